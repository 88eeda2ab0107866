import { nextRestart } from '../../shared/process/restart-policy.ts';
import type { FailureCause } from './engine-failure.ts';

/** What the supervision of an engine remembers from launch to launch. */
export interface RestartState {
  /** Ends in a row, as the back-off counts them. */
  readonly failures: number;
  /** Launches in a row that ended without a generation. */
  readonly failedStarts: number;
  readonly isGivenUp: boolean;
}

export const noRestarts: RestartState = { failures: 0, failedStarts: 0, isGivenUp: false };

/**
 * Between launches of an engine that was given up, in ms. Whoever was told replaces the machine; where nobody can, a
 * machine that somebody mended (a corrected model, a freed GPU) recovers by itself. A start costs half a minute of
 * Python on every core that it gets, hence not more often.
 */
export const givenUpRetryMs = 60_000;

export interface RestartDecision {
  readonly state: RestartState;
  readonly waitMs: number;
  /** It turned out just now that the engine is beyond repair. */
  readonly givesUp: boolean;
}

/**
 * What to do after a launch ended by itself.
 * @param healthyMs how long it generated; undefined when it never did
 * @param limit launches in a row without a generation after which it is given up
 */
export function afterEnd(
  before: RestartState,
  healthyMs: number | undefined,
  cause: FailureCause,
  limit: number,
): RestartDecision {
  const { waitMs, failures } = nextRestart({ failuresBefore: before.failures, healthyMs });
  if (healthyMs !== undefined) {
    return { state: { failures, failedStarts: 0, isGivenUp: false }, waitMs, givesUp: false };
  }
  const failedStarts = before.failedStarts + 1;
  const isGivenUp = before.isGivenUp || !cause.restartHelps || failedStarts >= limit;
  return {
    state: { failures, failedStarts, isGivenUp },
    waitMs: isGivenUp ? givenUpRetryMs : waitMs,
    givesUp: isGivenUp && !before.isGivenUp,
  };
}
