import { backoffMs } from '../backoff.ts';

/** Waits before a supervised process is started again, in seconds; the last one repeats. */
export const restartBackoffSeconds: readonly number[] = [0.5, 1, 2, 4, 8, 16];
/** A process that was healthy for this long has recovered: its next end counts as the first one again. */
export const healthyResetMs = 60_000;

export interface EndedRun {
  /** Ends in a row before this one. */
  readonly failuresBefore: number;
  /** How long the process was healthy before it ended, in ms; undefined when it never was. */
  readonly healthyMs: number | undefined;
}

export interface RestartPlan {
  readonly waitMs: number;
  /** Ends in a row including this one. */
  readonly failures: number;
}

/** When a supervised process that just ended is started again. */
export function nextRestart({ failuresBefore, healthyMs }: EndedRun): RestartPlan {
  const failures = healthyMs !== undefined && healthyMs >= healthyResetMs ? 1 : failuresBefore + 1;
  return { waitMs: backoffMs(restartBackoffSeconds, failures), failures };
}
