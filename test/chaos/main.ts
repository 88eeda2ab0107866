/**
 * `npm run chaos [-- --minutes N] [--seed S] [--sessions N] [--chat N]`: sessions under kill -9, in the long form; the
 * short one is test/end-to-end/session-chaos.test.ts. Exits with 1 when a promise was broken. Loopback only; ends by itself.
 */
import { parseArgs } from 'node:util';
import { runChaos } from './chaos-run.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    sessions: { type: 'string', default: '200' },
    chat: { type: 'string', default: '16' },
  },
});
console.log(`seed ${values.seed}`);
const startedAt = performance.now();
const { broken, counts, blows } = await runChaos({
  seed: Number(values.seed),
  durationMs: Number(values.minutes) * 60_000,
  routers: 2,
  runners: 4,
  sessions: Number(values.sessions),
  chatSessions: Number(values.chat),
  thinkMs: 1_500,
  timeScale: 10,
  say: (text) => console.log(`${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(7)} s  ${text}`),
});
console.log(counts);
for (const line of broken) console.log(`BROKEN ${line}`);
console.log(`${blows.length} blows, ${broken.length} promises broken, seed ${values.seed}`);
process.exit(broken.length === 0 ? 0 : 1);
