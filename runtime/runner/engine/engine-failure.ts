import type { ProcessEnd } from '../../shared/process/owned-process.ts';
import type { FailureName } from './failure-causes.ts';

/** Why a launch ended, and what to do about it. */
export interface FailureCause {
  /** `unknown` when neither the log nor the end tells. */
  readonly name: FailureName;
  /** True for a conclusion from circumstances; false when the engine's log says so. */
  readonly isSuspected: boolean;
  readonly advice: string;
  /** False when the same command line on the same machine fails again for certain. */
  readonly restartHelps: boolean;
  /** False when the same command line fails on every machine, e.g. for an unknown flag. */
  readonly newMachineHelps: boolean;
}

/** How a launch ended, and why as far as its log tells. */
export interface EngineEnd extends ProcessEnd {
  /** Null when the runner itself ended it, as it was told to. */
  readonly cause: FailureCause | null;
}

/** An engine that counts as beyond repair on this machine. */
export interface EngineFailure {
  /** One sentence for people: what failed, how often, what to do. */
  readonly message: string;
  /** Launches in a row that ended without a generation, at least 1. */
  readonly failedStarts: number;
  readonly cause: FailureCause;
  readonly end: EngineEnd;
}
