import { runChaos } from '../chaos/chaos-run.ts';

// The long form, with any seed: npm run chaos -- --minutes 10 --seed 7
const seed = Math.floor(Math.random() * 1e6);

/**
 * 2 routers, a Postgres, 4 runners, 200 sessions, in the fifth part of a minute: liveness runs ten times as fast. All but 4 of
 * the sessions have a small agent in shell, since 200 of Node would need 9 GB; those 4 are `chat`, on simulated engines.
 */
test('sessions outlive kill -9 of every router and runner and a restart of the database', async () => {
  const steps: string[] = [`seed ${seed}`];
  const report = await runChaos({
    ...{ seed, durationMs: 12_000, routers: 2, runners: 4, sessions: 200, chatSessions: 4 },
    ...{ thinkMs: 2_000, timeScale: 10, say: (text) => void steps.push(text) },
  });
  // As text, so that a failure shows all that happened.
  expect([...steps, ...report.broken].join('\n')).toBe(steps.join('\n'));
  expect(report.counts['answers']).toBeGreaterThan(400);
  expect(report.counts['resumptions']).toBeGreaterThan(0);
  expect(report.blows).toHaveLength(7);
}, 240_000);
