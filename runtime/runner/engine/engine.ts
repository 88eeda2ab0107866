import type { EngineState } from '../../shared/protocol.ts';
import type { EngineEnd, EngineFailure } from './engine-failure.ts';
import type { GpuFailure, GpuStatus } from './gpu/gpu-status.ts';
import type { StartupPhaseTime } from './startup-phases.ts';

export interface EngineStatus {
  readonly state: EngineState;
  /** Null while no process runs, and for an external engine. */
  readonly pid: number | null;
  /** Launches after the first one. */
  readonly restarts: number;
  readonly lastEnd: EngineEnd | null;
  /** From the last launch to its first generation. */
  readonly startupSeconds: number | null;
  /** Where the time of the last start went, in order; the last one is still growing while the engine starts. */
  readonly phases: readonly StartupPhaseTime[];
  /** Why the engine counts as beyond repair; null while it does not. It is retried all the same, seldom. */
  readonly givenUp: EngineFailure | null;
  /** Null on a machine without `nvidia-smi`, and before its first answer. */
  readonly gpus: GpuStatus | null;
}

/** An engine that the runner looks after, whether it launched it or found it running. */
export interface Engine {
  /** Where this machine reaches it. Its port is final once the engine was ready for the first time. */
  readonly url: string;
  readonly status: EngineStatus;
  /** Called after every change of the state. */
  onChange(listener: (status: EngineStatus) => void): void;
  /**
   * Called each time that the engine turns out to be beyond repair on this machine: launching it again did not help, or
   * cannot. It is called again only when the engine was ready in between. Never for an external engine.
   */
  onGivenUp(listener: (failure: EngineFailure) => void): void;
  /** Called once, when a GPU of this machine reports that it will not work again before a reboot. */
  onGpuFailure(listener: (failure: GpuFailure) => void): void;
  start(): void;
  /** From now on the engine counts as draining, and is not started again when it ends. */
  beginDrain(): void;
  /** Ends it: SIGTERM, and SIGKILL to the whole tree after `graceMs`. Does nothing to an external engine. */
  stop(graceMs: number): Promise<void>;
  /** For the moment of exiting: kills what is left, synchronously. */
  kill(): void;
}
