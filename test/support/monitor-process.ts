import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import type { PublishedWindow } from '../../runtime/log-monitor/published-window.ts';

const root = path.join(import.meta.dirname, '../..');
const program = path.join(root, 'runtime/log-monitor/main.ts');

export interface MonitorProcessOptions {
  readonly args: readonly string[];
  /** What it publishes is appended here, so that nothing of it is lost with a killed process. */
  readonly outFile: string;
  /** Receives the daemon's own log. @default - nobody reads it */
  readonly logFile?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs before the program in its process, for example `prlimit`. @default - none */
  readonly wrapper?: readonly string[];
}

/** A real log monitor. Disposal kills it. */
export class MonitorProcess implements AsyncDisposable {
  readonly pid: number;
  readonly #child: ChildProcess;

  constructor(options: MonitorProcessOptions) {
    const out = openSync(options.outFile, 'a');
    const log = options.logFile === undefined ? undefined : openSync(options.logFile, 'a');
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      NODE_COMPILE_CACHE: path.join(root, 'node_modules/.cache/fleet-tests'),
      ...options.env,
    };
    // Jest sets these for itself; daemons must see what systemd would give them.
    for (const name of ['NODE_OPTIONS', 'NODE_ENV', 'JEST_WORKER_ID']) delete env[name];
    const [file, ...before] = [...(options.wrapper ?? []), process.execPath];
    this.#child = spawn(file!, [...before, program, ...options.args], { stdio: ['ignore', out, log ?? 'ignore'], env });
    this.pid = this.#child.pid!;
    closeSync(out);
    if (log !== undefined) closeSync(log);
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Sends the signal and waits for the end. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    if (!this.hasEnded) {
      const ended = once(this.#child, 'exit');
      this.#child.kill(signal);
      await ended;
    }
    return { code: this.#child.exitCode, signal: this.#child.signalCode };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
  }
}

/** The windows among the lines that a monitor has written. A line that a full disk cut is none. */
export function windowsIn(text: string): PublishedWindow[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as PublishedWindow];
    } catch {
      return [];
    }
  });
}

/**
 * One window for each number, which is how a reader of the output counts.
 * @throws when windows with one number are not the same
 */
export function distinctWindows(windows: readonly PublishedWindow[]): PublishedWindow[] {
  const bySequence = new Map<number, PublishedWindow>();
  for (const window of windows) {
    const known = bySequence.get(window.sequence);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(window)) {
      throw new Error(`Window ${window.sequence} was published with two contents.`);
    }
    bySequence.set(window.sequence, window);
  }
  return [...bySequence.values()];
}
