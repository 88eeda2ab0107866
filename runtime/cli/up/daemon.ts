import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { nodeCommand, OwnedProcess, type ProcessEnd } from '../../shared/process/owned-process.ts';
import { nextRestart } from '../../shared/process/restart-policy.ts';
import type { RunLock } from '../../shared/process/run-lock.ts';

const cliProgram = path.join(import.meta.dirname, '../main.ts');

export interface DaemonOptions {
  readonly name: string;
  /** Command line after `fleet`, asked for before each launch. */
  readonly args: () => Promise<readonly string[]>;
  readonly logFile: string;
  readonly env: NodeJS.ProcessEnv;
  /** Lists the process, for the next run to end if this one is killed. */
  readonly lock: RunLock;
  /** Called when the process ended although nobody asked for it. */
  readonly onFailure: (failure: DaemonFailure) => void;
}

export interface DaemonFailure {
  readonly end: ProcessEnd;
  /** Ends in a row, this one included. */
  readonly failures: number;
  /** Until it is started again. */
  readonly waitMs: number;
}

/** One `fleet` daemon as a child process, started again whenever it ends. */
export class Daemon {
  readonly name: string;
  readonly logFile: string;
  readonly #options: DaemonOptions;
  readonly #stopping = new AbortController();
  #process: OwnedProcess | undefined;
  #supervision: Promise<void> = Promise.resolve();

  constructor(options: DaemonOptions) {
    this.#options = options;
    this.name = options.name;
    this.logFile = options.logFile;
    mkdirSync(path.dirname(options.logFile), { recursive: true });
  }

  start(): void {
    this.#supervision = this.#supervise();
  }

  /** SIGTERM, on which a daemon drains; SIGKILL to its whole tree after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#process?.stop(graceMs);
    await this.#supervision;
  }

  /** Ends it and everything that it started, at once. */
  kill(): void {
    this.#stopping.abort();
    this.#process?.kill();
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      const startedAt = performance.now();
      const end = await this.#runOnce();
      if (signal.aborted) return;
      const plan = nextRestart({ failuresBefore: failures, healthyMs: performance.now() - startedAt });
      failures = plan.failures;
      this.#options.onFailure({ end, ...plan });
      await delay(plan.waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #runOnce(): Promise<ProcessEnd> {
    const { lock, logFile, env } = this.#options;
    const launched = new OwnedProcess(nodeCommand(cliProgram, await this.#options.args()), logFile, env);
    this.#process = launched;
    if (launched.identity) lock.add(this.name, launched.identity.pid);
    // The order to stop may have come while the arguments were made.
    if (this.#stopping.signal.aborted) launched.kill();
    const end = await launched.ended;
    launched.kill();
    if (launched.identity) lock.remove(launched.identity.pid);
    return end;
  }
}
