import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';

/** Processes and threads of one sandbox: a fork bomb ends at its own door. */
const maxTasks = 1_024;
/** How long processes that were killed may take to be gone. */
const removalMs = 2_000;
const retryMs = 20;

let created = 0;

/** The control group of one sandbox (cgroup v2): the kernel holds all that runs in it to its limits, and ends it whole. */
export class SandboxCgroup {
  readonly #folder: string;
  readonly #log: Logger;

  /**
   * @param parent folder of a group whose children may have limits; see divideCgroup
   * @param memoryMb MiB; null for no limit
   * @throws file system errors
   */
  constructor(parent: string, memoryMb: number | null, log: Logger) {
    this.#folder = path.join(parent, `${process.pid}-${++created}`);
    this.#log = log;
    mkdirSync(this.#folder);
    this.#write('pids.max', maxTasks);
    if (memoryMb === null) return;
    this.#write('memory.max', memoryMb * 1024 * 1024);
    // Kernels without swap accounting have no such file, and no swap to account for.
    this.#try(() => this.#write('memory.swap.max', 0));
    // The whole sandbox ends, not only the process that happened to ask for the last page.
    this.#try(() => this.#write('memory.oom.group', 1));
  }

  /** Words before a command that start it within the group. The shell becomes the command: the pid stays. */
  get entry(): readonly string[] {
    return ['sh', '-c', 'echo 0 >"$0" && exec "$@"', path.join(this.#folder, 'cgroup.procs')];
  }

  /** Kills everything in it at once (Linux 5.14), wherever it has gone within the table of processes. Synchronous. */
  kill(): void {
    this.#try(() => this.#write('cgroup.kill', 1));
  }

  /** Kills what is left in it and takes it away. Never rejects. */
  async remove(): Promise<void> {
    this.kill();
    for (const deadline = performance.now() + removalMs; ; ) {
      try {
        rmdirSync(this.#folder);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
        // EBUSY until the last of its processes is gone.
        if (performance.now() > deadline) {
          this.#log.warn('control group left behind', { folder: this.#folder, detail: describeError(error) });
          return;
        }
      }
      await delay(retryMs);
    }
  }

  #write(file: string, value: number): void {
    writeFileSync(path.join(this.#folder, file), String(value));
  }

  #try(step: () => void): void {
    try {
      step();
    } catch {
      // Not on this kernel, or the group is gone already.
    }
  }
}
