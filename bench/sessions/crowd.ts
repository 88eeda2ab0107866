import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { callJson } from '../../runtime/shared/call-json.ts';
import { findFreePort } from '../../runtime/shared/process/free-port.ts';
import { registerPath } from '../../runtime/shared/protocol.ts';
import type { CorePlan } from '../support/cores.ts';
import { cpuMicrosBetween, sampleTree, type UsageSample } from '../support/process-usage.ts';
import { RemoteProcess } from '../support/remote-calls.ts';
import { percentile } from '../support/statistics.ts';
import type { CrowdCall, CrowdState } from './crowd-client.ts';
import { Daemon } from './daemon.ts';
import type { HeartbeatCall, HeartbeatResult } from './heartbeats.ts';
import { openFilesLimit } from './open-files.ts';
import type { StubCall } from './stub-runner.ts';

export interface CrowdOptions {
  readonly cores: CorePlan | undefined;
  readonly folder: string;
  readonly streams: number;
  readonly runners: number;
  readonly windowMs: number;
  readonly databaseUrl?: string | undefined;
}

const heartbeatEverySeconds = 10;
/** Files of a router beside its streams: database, log, listener, connections of heartbeats, more when they stall. */
const otherFiles = 300;

/**
 * One router with many sessions whose agents have not answered yet, all on one stub of a runner, and with the heartbeats of
 * many other runners. @returns lines to print
 */
export async function measureCrowd(options: CrowdOptions): Promise<string[]> {
  const { cores, folder, runners, windowMs, databaseUrl } = options;
  const lines: string[] = [];
  const mostStreams = openFilesLimit() - otherFiles;
  const streams = Math.min(options.streams, mostStreams);
  if (streams < options.streams) {
    lines.push(`${streams} streams instead of ${options.streams}: ulimit -n is ${openFilesLimit()}`);
  }
  await using stack = new AsyncDisposableStack();
  const part = <M>(file: string) => {
    const process = new RemoteProcess<M>(path.join(import.meta.dirname, file));
    stack.defer(() => process.kill());
    return process;
  };
  const stub = part<StubCall>('stub-runner.ts');
  const clients = part<CrowdCall>('crowd-client.ts');
  const beats = part<HeartbeatCall>('heartbeats.ts');
  const { runnerPort, engineUrl } = await stub.call<{ runnerPort: number; engineUrl: string }>({ kind: 'ports' });
  const port = await findFreePort('127.0.0.1');
  const store =
    databaseUrl === undefined ? ['--data-dir', path.join(folder, 'crowd')] : ['--database-url', databaseUrl];
  const router = await Daemon.start({
    args: ['router', ...store, '--max-sessions-per-key', '100000', '--log-level', 'warn'],
    port,
    logFile: path.join(folder, 'crowd-router.log'),
    cores: cores?.router,
  });
  stack.use(router);
  const usage = () => sampleTree(router.identity);

  const host = { runnerId: 'stub', host: '127.0.0.1', port: runnerPort, maxSandboxes: 2 * streams };
  await callJson(`${router.url}${registerPath}`, { body: host });
  const beatOfStub = setInterval(
    () =>
      void callJson(`${router.url}/api/internal/runners/heartbeat`, {
        body: { runnerId: 'stub', activeCount: 0, warmingCount: 0 },
      }).catch(() => undefined),
    5_000,
  );
  stack.defer(() => clearInterval(beatOfStub));
  const timed = async <T>(title: string, work: () => Promise<T>): Promise<T> => {
    const [startedMs, before] = [performance.now(), usage()];
    const result = await work();
    const seconds = (performance.now() - startedMs) / 1_000;
    lines.push(`${title} in ${seconds.toFixed(1)} s${cpuShare(before, usage(), seconds)}`);
    return result;
  };
  await timed(`${streams} sessions made`, () => clients.call({ kind: 'create', port, count: streams }));
  const enginePort = Number(new URL(engineUrl).port);
  await timed(`${runners} runners registered`, () => beats.call({ kind: 'register', port, runners, enginePort }));
  await untilReady(router.url, runners);
  const perSecond = runners / heartbeatEverySeconds;
  const window = async (title: string) => {
    const before = usage();
    const call = { kind: 'beat', port, perSecond, durationMs: windowMs } as const;
    const result = await beats.call<HeartbeatResult>(call);
    const after = usage();
    lines.push(`${title}: ${perSecond} heartbeats/s of ${runners} runners for ${windowMs / 1_000} s`);
    lines.push(
      `  answer    ${spread(result.answersMs)}, ${result.answersMs.length} answers, ${result.failures} failures`,
    );
    if (result.failure !== undefined) lines.push(`  first failure: ${result.failure}`);
    lines.push(`  sent late ${spread(result.latenessMs)}`);
    lines.push(`  router    ${megabytes(after)} MB resident${cpuShare(before, after, windowMs / 1_000)}`);
  };
  await window('without streams');
  await timed(`${streams} streams opened`, () => clients.call({ kind: 'open', port }));
  await until(`${streams} messages at the runner`, async () => (await stub.call<number>({ kind: 'held' })) === streams);
  const from = await clients.call<CrowdState>({ kind: 'state' });
  await window('with all streams');
  const to = await clients.call<CrowdState>({ kind: 'state' });
  lines.push(`  streams   ${to.open} open at the end, ${to.receivedBytes - from.receivedBytes} bytes of comments came`);
  if (to.firstFailure !== undefined) lines.push(`  first failure: ${to.firstFailure}`);
  lines.push(`  files     ${readdirSync(`/proc/${router.identity.pid}/fd`).length} open in the router`);
  return lines;
}

const megabytes = ({ residentBytes }: UsageSample) => Math.round(residentBytes / 1e6);

function cpuShare(before: UsageSample, after: UsageSample, seconds: number): string {
  return `, ${((100 * cpuMicrosBetween(before, after)) / 1e6 / seconds).toFixed(0)} % of a core`;
}

function spread(values: readonly number[]): string {
  const at = (share: number) => `${percentile(values, share).toFixed(1)} ms`;
  return `p50 ${at(0.5)}   p99 ${at(0.99)}   max ${Math.max(...values).toFixed(1)} ms`;
}

async function untilReady(url: string, count: number): Promise<void> {
  await until(`${count} engines are proven`, async () => {
    const health = (await callJson(`${url}/health`)) as { workers: { ready: number } };
    return health.workers.ready >= count;
  });
}

async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; await delay(100)) {
    if (await look()) return;
  }
  throw new Error(`Waited in vain until ${what}.`);
}
