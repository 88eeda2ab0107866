import type { ProcessEnd } from '../../shared/process/owned-process.ts';
import type { EngineState } from '../../shared/protocol.ts';

export interface EngineStatus {
  readonly state: EngineState;
  /** Null while no process runs, and for an external engine. */
  readonly pid: number | null;
  /** Launches after the first one. */
  readonly restarts: number;
  readonly lastEnd: ProcessEnd | null;
  /** From the last launch to its first generation. */
  readonly startupSeconds: number | null;
}

/** An engine that the runner looks after, whether it launched it or found it running. */
export interface Engine {
  /** Where this machine reaches it. Its port is final once the engine was ready for the first time. */
  readonly url: string;
  readonly status: EngineStatus;
  /** Called after every change of the state. */
  onChange(listener: (status: EngineStatus) => void): void;
  start(): void;
  /** From now on the engine counts as draining, and is not started again when it ends. */
  beginDrain(): void;
  /** Ends it: SIGTERM, and SIGKILL to the whole tree after `graceMs`. Does nothing to an external engine. */
  stop(graceMs: number): Promise<void>;
  /** For the moment of exiting: kills what is left, synchronously. */
  kill(): void;
}
