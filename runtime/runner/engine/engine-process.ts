import type { ProcessEnd } from '../../shared/process/owned-process.ts';
import type { ProcessIdentity } from '../../shared/process/process-table.ts';

/** One launched engine: a process of this machine, or the client of a container that holds it. */
export interface EngineProcess {
  /** Root of what can be seen from here; undefined when it could not be started. */
  readonly identity: ProcessIdentity | undefined;
  readonly ended: Promise<ProcessEnd>;
  /** Called now and then while it runs: takes down which processes it consists of. */
  look(): void;
  /** SIGTERM to the engine alone, SIGKILL to all of it after `graceMs`; resolves when nothing of it is left. */
  stop(graceMs: number): Promise<void>;
  /**
   * After its end: ends what survived it, and waits until its GPU memory is free, both within limits.
   * @returns what is still there in words, null when nothing is
   */
  clear(signal: AbortSignal): Promise<string | null>;
  /** Kills all of it, synchronously. */
  kill(): void;
}
