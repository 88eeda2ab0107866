/**
 * `node bench/monitor-cost/main.ts [--quick]`: what runner and log monitor take of a worker. First the CPU at 50 log lines
 * a second in real time, then the memory over an hour of such a log in a few minutes, with as many windows as the hour has.
 * Both run as on a worker: bundled, the monitor with load, counters (100 kB of a real 0.5.23), runner and CloudWatch.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { callJson } from '../../runtime/shared/call-json.ts';
import { findFreePort } from '../../runtime/shared/process/free-port.ts';
import { FakeCloudWatch } from '../../test/support/fake-cloudwatch.ts';
import { until } from '../../test/support/poll.ts';
import { cpuMicrosBetween, sampleTree } from '../support/process-usage.ts';
import { BusyLog } from './busy-log.ts';
import { type Daemon, makeBundles, startMonitor, startRunner } from './daemons.ts';
import { startEngine } from './engine.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const linesPerSecond = 50;
const cpuSeconds = values.quick ? 30 : 120;
/** An hour has 360 windows of 10 s. */
const hour = { windows: 360, lines: 3_600 * linesPerSecond, seconds: values.quick ? 60 : 240 };
const tickMs = 100;
/** Three windows: the first calls of each kind load and compile what runs for weeks afterwards. */
const warmUpSeconds = 30;
const target = { cpuShare: 0.01, memoryBytes: 200e6 };

const folder = mkdtempSync(path.join(tmpdir(), 'bench-monitor-'));
const started: Daemon[] = [];
const engine = await startEngine();
await using cloudWatch = await FakeCloudWatch.start();
let isWithinTargets = true;
try {
  console.log(
    `${cpus().length} x ${cpus()[0]?.model}, Node ${process.versions.node}, load ${loadavg()[0]?.toFixed(1)}`,
  );
  makeBundles(folder);
  const runnerPort = await findFreePort('127.0.0.1');
  const addresses = { engineUrl: engine.url, cloudWatchUrl: cloudWatch.endpoint, runnerPort };
  const runner = keep(startRunner(folder, addresses));
  await until('the runner is ready', async () => {
    const health = (await callJson(`http://127.0.0.1:${runnerPort}/health`).catch(() => undefined)) as
      | { engine: { state: string } }
      | undefined;
    return health?.engine.state === 'ready';
  });
  // A router that follows the load, as every router does.
  const following = new AbortController();
  void fetch(`http://127.0.0.1:${runnerPort}/internal/load`, { signal: following.signal })
    .then((response) => response.body?.pipeTo(new WritableStream()))
    .catch(() => undefined);

  const monitor = keep(startMonitor(folder, addresses, 10));
  const log = new BusyLog(path.join(folder, 'engine.log'));
  await play(log, warmUpSeconds * 1_000, linesPerSecond);
  const before = [sampleTree(monitor.identity), sampleTree(runner.identity)] as const;
  await play(log, cpuSeconds * 1_000, linesPerSecond);
  const shares = [monitor, runner].map(
    ({ identity }, i) => cpuMicrosBetween(before[i]!, sampleTree(identity)) / (cpuSeconds * 1e6),
  );
  report(
    `runner and log monitor, CPU at ${linesPerSecond} lines/s over ${cpuSeconds} s`,
    `${percent(shares[0]! + shares[1]!)} of a core`,
    shares[0]! + shares[1]! < target.cpuShare,
  );
  console.log(`of it the log monitor ${percent(shares[0]!)}, the runner ${percent(shares[1]!)}`);
  await end(monitor);

  const fast = keep(startMonitor(folder, addresses, hour.seconds / hour.windows));
  const look = () => [memoryOf(fast.identity.pid), memoryOf(runner.identity.pid)] as const;
  let peak = 0;
  let peakSum = 0;
  const watch = setInterval(() => {
    const parts = look();
    peak = Math.max(peak, together(parts));
    peakSum = Math.max(
      peakSum,
      parts.reduce((sum, { own, file }) => sum + own + file, 0),
    );
  }, 250);
  await play(log, hour.seconds * 1_000, hour.lines / hour.seconds);
  clearInterval(watch);
  const windows = [...readFileSync(path.join(folder, 'metrics.emf'), 'utf8').matchAll(/"sequence"/g)].length;
  report(
    `runner and log monitor, most memory in an hour (${hour.lines} lines in ${hour.seconds} s)`,
    megabytes(peak),
    peak < target.memoryBytes,
  );
  const [monitorEnd, runnerEnd] = look();
  console.log(`their resident sizes added up, the Node program counted twice   ${megabytes(peakSum)}`);
  console.log(`at its end: log monitor ${describeMemory(monitorEnd)}; runner ${describeMemory(runnerEnd)}`);
  console.log(`${windows} log lines of metrics, ${cloudWatch.calls.length} calls`);
  following.abort();
} finally {
  for (const daemon of started) await end(daemon);
  engine.server.closeAllConnections();
  engine.server.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(isWithinTargets ? 0 : 1);

/** Writes the log at this rate, a few lines at a time. */
async function play(log: BusyLog, ms: number, perSecond: number): Promise<void> {
  const startedAt = performance.now();
  const first = log.lines;
  while (performance.now() - startedAt < ms) {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * perSecond);
    if (due > log.lines - first) log.write(due - (log.lines - first), linesPerSecond);
    await delay(tickMs);
  }
}

/** What is a process's own, and pages of files, which processes of one program share. */
interface Memory {
  readonly own: number;
  readonly file: number;
}

function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1_024;
  return { own: bytes('RssAnon') + bytes('RssShmem'), file: bytes('RssFile') };
}

function together(parts: readonly Memory[]): number {
  return parts.reduce((sum, { own }) => sum + own, 0) + Math.max(...parts.map(({ file }) => file));
}

function describeMemory({ own, file }: Memory): string {
  return `${megabytes(own)} of its own and ${megabytes(file)} of files`;
}

function keep(daemon: Daemon): Daemon {
  started.push(daemon);
  return daemon;
}

async function end({ child }: Daemon): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await Promise.race([ended, delay(20_000).then(() => child.kill('SIGKILL'))]);
}

function report(what: string, figure: string, isWithin: boolean): void {
  isWithinTargets &&= isWithin;
  console.log(`${what}   ${figure}   ${isWithin ? 'within the target' : 'ABOVE THE TARGET'}`);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
