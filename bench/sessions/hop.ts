import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { callJson } from '../../runtime/shared/call-json.ts';
import { findFreePorts } from '../../runtime/shared/process/free-port.ts';
import type { CorePlan } from '../support/cores.ts';
import { cpuMicrosBetween, sampleTree } from '../support/process-usage.ts';
import { RemoteProcess } from '../support/remote-calls.ts';
import { median, percentile } from '../support/statistics.ts';
import { Daemon } from './daemon.ts';
import type { TalkJob, TalkResult } from './talk.ts';

export interface HopOptions {
  readonly cores: CorePlan | undefined;
  /** For data and logs. */
  readonly folder: string;
  readonly rounds: number;
  readonly roundMs: number;
  /** A Postgres instead of the embedded database. */
  readonly databaseUrl?: string | undefined;
}

const sessions = 50;
const paces = [
  { title: 'each message 250 ms after the last one (200/s)', everyMs: 250 },
  { title: 'each message when the last one is answered', everyMs: 0 },
] as const;

/**
 * How much later the first event of an answer comes through a router than straight from the runner: the same runner
 * process, sandboxes of the same agent, by turns. @returns lines to print
 */
export async function measureHop(options: HopOptions): Promise<string[]> {
  const { cores, folder, rounds, roundMs } = options;
  const agents = path.join(folder, 'agents.yaml');
  const script = path.join(import.meta.dirname, 'instant-agent.sh');
  writeFileSync(agents, JSON.stringify({ agents: [{ name: 'instant', command: ['bash', script], memoryMb: 0 }] }));
  await using stack = new AsyncDisposableStack();
  const engine = new RemoteProcess(path.join(import.meta.dirname, 'stub-runner.ts'));
  stack.defer(() => engine.kill());
  const { engineUrl } = await engine.call<{ engineUrl: string }>({ kind: 'ports' });
  const [routerPort, runnerPort] = await findFreePorts(2, '127.0.0.1');
  const store = options.databaseUrl === undefined ? ['--data-dir', folder] : ['--database-url', options.databaseUrl];
  const router = await Daemon.start({
    args: ['router', ...store],
    port: routerPort!,
    logFile: path.join(folder, 'hop-router.log'),
    cores: cores?.router,
  });
  stack.use(router);
  const runner = await Daemon.start({
    args: [
      ...['runner', '--engine-url', engineUrl, '--data-dir', path.join(folder, 'hop-runner'), '--agents', agents],
      ...['--router-url', router.url, '--warm-sandboxes', '0', '--max-sandboxes', String(3 * sessions)],
    ],
    port: runnerPort!,
    logFile: path.join(folder, 'hop-runner.log'),
    cores: cores?.others,
  });
  stack.use(runner);
  await untilPlaceable(router.url);
  const client = new RemoteProcess<TalkJob>(path.join(import.meta.dirname, 'talk.ts'));
  stack.defer(() => client.kill());

  const routed: string[] = [];
  const direct: string[] = [];
  for (let index = 0; index < sessions; index++) {
    const created = await callJson(`${router.url}/api/sessions`, { body: { agent: 'instant' } });
    routed.push((created as { id: string }).id);
    direct.push(`direct-${index}`);
    await callJson(`${runner.url}/sandboxes`, { body: { sessionId: `direct-${index}`, agent: 'instant' } });
  }
  const lines: string[] = [];
  for (const { title, everyMs } of paces) {
    const job = (isDirect: boolean, durationMs: number): TalkJob => ({
      ...{ isDirect, everyMs, durationMs },
      url: isDirect ? runner.url : router.url,
      sessionIds: isDirect ? direct : routed,
    });
    const seen = { direct: [] as number[], routed: [] as number[] };
    let failures = 0;
    let cpuMicros = 0;
    for (let round = -1; round < rounds; round++) {
      for (const isDirect of [true, false]) {
        // The first round is for the JIT compilers.
        const before = sampleTree(router.identity);
        const result = await client.call<TalkResult>(job(isDirect, roundMs));
        failures += result.failures;
        if (result.failure !== undefined) lines.push(`first failure: ${result.failure}`);
        if (round >= 0 && !isDirect) cpuMicros += cpuMicrosBetween(before, sampleTree(router.identity));
        if (round >= 0) seen[isDirect ? 'direct' : 'routed'].push(...result.firstEventsMs);
      }
    }
    lines.push(title, `  ${summary('direct', seen.direct)}`, `  ${summary('through the router', seen.routed)}`);
    const hopMs = median(seen.routed) - median(seen.direct);
    const cpu = (cpuMicros / seen.routed.length / 1_000).toFixed(2);
    lines.push(`  hop of the medians ${hopMs.toFixed(2)} ms, router's CPU ${cpu} ms per message, ${failures} failures`);
  }
  return lines;
}

function summary(title: string, values: readonly number[]): string {
  const at = (share: number) => `${percentile(values, share).toFixed(2)} ms`;
  return `${title.padEnd(20)}p50 ${at(0.5)}   p99 ${at(0.99)}   ${values.length} messages`;
}

/** The runner has registered, and its engine was proven. */
async function untilPlaceable(url: string): Promise<void> {
  for (const deadline = performance.now() + 20_000; performance.now() < deadline; ) {
    const health = (await callJson(`${url}/health`)) as { workers: { ready: number } };
    if (health.workers.ready > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the runner never registered');
}
