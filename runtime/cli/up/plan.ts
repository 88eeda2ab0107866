import path from 'node:path';
import { localHost, urlHost } from '../../runner/options.ts';
import type { UpOptions } from './options.ts';

/** A worker of the local fleet: one runner process, which launches its engine. */
export interface WorkerPlan {
  readonly name: string;
  readonly dataDir: string;
  readonly logDir: string;
  /** The runner's output. */
  readonly logFile: string;
}

/** Enough to try sessions with. A waiting one for each worker is all that a developer's machine should carry. */
const sandboxesPerWorker = 16;

export function planWorkers(options: UpOptions): WorkerPlan[] {
  const count = options.engines.kind === 'external' ? 0 : options.engines.workers;
  return Array.from({ length: count }, (_, index) => {
    const name = `worker-${index + 1}`;
    const logDir = path.join(logFolder(options), name);
    return { name, dataDir: path.join(options.dataDir, name), logDir, logFile: path.join(logDir, 'runner.log') };
  });
}

export function logFolder(options: UpOptions): string {
  return path.join(options.dataDir, 'logs');
}

export function routerLogFile(options: UpOptions): string {
  return path.join(logFolder(options), 'router.log');
}

/** Where clients on this machine reach the router. */
export function routerUrl(options: UpOptions): string {
  return `http://${urlHost(localHost(options.host))}:${options.port}`;
}

/** The command line of the router, after `fleet`. */
export function routerArguments(options: UpOptions): string[] {
  const { engines, policy } = options;
  return [
    'router',
    ...['--port', String(options.port), '--host', options.host],
    ...['--data-dir', path.join(options.dataDir, 'router')],
    ...['--time-scale', String(options.timeScale)],
    ...['--drain-seconds', String(Math.max(1, options.drainSeconds))],
    ...(policy === undefined ? [] : ['--policy', policy]),
    ...(engines.kind === 'external' ? engines.urls.flatMap((url) => ['--worker-url', url]) : []),
  ];
}

/** The command line of a worker's runner, after `fleet`. Everything stays on the loopback address but the router. */
export function runnerArguments(options: UpOptions, worker: WorkerPlan, port: number): string[] {
  const { engines } = options;
  return [
    'runner',
    ...['--router-url', routerUrl(options), '--runner-id', worker.name],
    ...['--host', '127.0.0.1', '--listen-host', '127.0.0.1', '--port', String(port), '--engine-port', '0'],
    ...['--engine', engines.kind],
    // On an EC2 instance these runners are guests: the machine's life is not theirs to answer for.
    ...['--machine', 'none'],
    ...(engines.kind === 'sglang' ? ['--model', engines.model, '--python', engines.python] : []),
    ...['--max-sandboxes', String(sandboxesPerWorker), '--warm-sandboxes', '1'],
    ...['--data-dir', worker.dataDir, '--log-dir', worker.logDir],
    ...['--drain-seconds', String(options.drainSeconds), '--time-scale', String(options.timeScale)],
    '--',
    ...options.engineArguments,
  ];
}

/** What the runner's environment adds to this process's: real engines each get a GPU of their own. */
export function runnerEnvironment(options: UpOptions, workerIndex: number, own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { engines } = options;
  const sharesGpus = engines.kind === 'sglang' && engines.workers > 1 && own['CUDA_VISIBLE_DEVICES'] === undefined;
  return sharesGpus ? { CUDA_VISIBLE_DEVICES: String(workerIndex) } : {};
}
