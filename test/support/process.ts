import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { identifyProcess, type ProcessIdentity } from '../../runtime/shared/process/process-table.ts';
import { killTree } from '../../runtime/shared/process/process-tree.ts';
import { until } from './poll.ts';

const root = path.join(import.meta.dirname, '../..');
/** Shared by all started daemons, so that only the first of them compiles its code. */
export const compileCache = path.join(root, 'node_modules/.cache/fleet-tests');

export interface StartOptions {
  /** Added to the environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Working directory. @default - the repository */
  readonly cwd?: string;
}

/** Starts `fleet ARGUMENTS` as a real process, the way a user's shell would. */
export function startFleetCommand(args: readonly string[], options?: StartOptions): StartedProcess {
  return startProgram(path.join(root, 'runtime/cli/main.ts'), args, options);
}

/** Starts any TypeScript or JavaScript program with the Node that runs the tests. */
export function startProgram(file: string, args: readonly string[], options: StartOptions = {}): StartedProcess {
  const env: NodeJS.ProcessEnv = { ...process.env, NODE_COMPILE_CACHE: compileCache, ...options.env };
  // Jest sets these for itself; daemons must see what a user's shell would give them.
  for (const name of ['NODE_OPTIONS', 'NODE_ENV', 'JEST_WORKER_ID']) delete env[name];
  const child = spawn(process.execPath, [file, ...args], {
    cwd: options.cwd ?? root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its own process group, so that everything it started can be found and ended with it.
    detached: true,
  });
  return new StartedProcess(child);
}

/** A running child process whose output can be waited for. Disposal kills it with everything that it started. */
export class StartedProcess implements AsyncDisposable {
  readonly pid: number;
  /** Output so far, stdout and stderr in order of arrival. */
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #identity: ProcessIdentity | undefined;
  readonly #ended: Promise<unknown>;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid!;
    this.#identity = identifyProcess(this.pid);
    this.#ended = once(child, 'close');
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => this.lines.push(line));
    }
  }

  get output(): string {
    return this.lines.join('\n');
  }

  /** The first line, past or future, that matches; fails with the whole output when the process ends without one. */
  async waitForLine(pattern: RegExp, deadlineMs = 20_000): Promise<RegExpMatchArray> {
    const find = () => this.lines.map((line) => line.match(pattern)).find((match) => match !== null);
    try {
      return await until(
        `a line matched ${pattern}`,
        () => {
          const match = find();
          if (!match && this.hasEnded) throw new Error(`The process ended without a line that matches ${pattern}.`);
          return match;
        },
        deadlineMs,
      );
    } catch (error) {
      throw new Error(`${(error as Error).message} Its output:\n${this.output}`, { cause: error });
    }
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for its end and for the last of its output. */
  async waitForExit(deadlineMs = 20_000): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    let closed = false;
    void this.#ended.then(() => {
      closed = true;
    });
    await until(`process ${this.pid} ended`, () => closed, deadlineMs);
    return { code: this.#child.exitCode, signal: this.#child.signalCode };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#identity) killTree(this.#identity);
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
    await this.#ended;
  }
}
