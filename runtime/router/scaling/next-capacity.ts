/** Sizes of an Auto Scaling group, in instances. */
export interface GroupSize {
  readonly desired: number;
  readonly max: number;
  /** Members that serve or will serve: none that leave, none of the warm pool. */
  readonly instances: number;
}

/** All that is known when it is decided whether a group has to be started. Times in ms on one monotonic clock. */
export interface CapacityState {
  /** Instances that a group at zero is started with; the same number at every router of a fleet. 0: never start it. */
  readonly startWorkers: number;
  /** Whether requests wait, or waited a moment ago, for a worker to become ready. */
  readonly isHolding: boolean;
  readonly readyWorkers: number;
  /** The group as it was read last; undefined before that. */
  readonly group: (GroupSize & { readonly readAtMs: number }) | undefined;
  /** When this router last raised the group. */
  readonly raisedAtMs: number | undefined;
  /** The group is not read before then: after the jitter, after a failure, after it was left alone. */
  readonly notBeforeMs: number;
}

export type CapacityStep =
  /** Nobody needs the group to be started. */
  | { readonly do: 'nothing' }
  | { readonly do: 'wait'; readonly untilMs: number }
  /** Read the group and decide again. */
  | { readonly do: 'look' }
  /** The group is starting workers already, or may not. */
  | { readonly do: 'leave'; readonly reason: LeaveReason }
  | { readonly do: 'raise'; readonly to: number };

export type LeaveReason = 'workers-exist' | 'already-wanted' | 'maximum-reached';

/** Between two raises by one router: time for a raise to show, and a limit on a quarrel with whoever lowers the group. */
export const coolDownMs = 120_000;
/** Somebody else may have changed the group since; then it is read again before it is raised. */
export const freshMs = 1_000;

/**
 * Whether the worker group has to be raised from zero, and to what. Auto Scaling by utilisation cannot do that: where no
 * worker is, nobody measures one. The answer is never above the group's maximum and never below what it wants already, and
 * does not depend on what one router holds, so that routers that decide at the same time decide the same.
 */
export function nextCapacity(state: CapacityState, nowMs: number): CapacityStep {
  const { startWorkers, isHolding, readyWorkers, group, raisedAtMs, notBeforeMs } = state;
  if (!isHolding || readyWorkers > 0 || startWorkers === 0) return { do: 'nothing' };
  const untilMs = Math.max(notBeforeMs, raisedAtMs === undefined ? nowMs : raisedAtMs + coolDownMs);
  if (nowMs < untilMs) return { do: 'wait', untilMs };
  if (group === undefined || nowMs - group.readAtMs > freshMs) return { do: 'look' };
  if (group.desired > 0 && group.instances > 0) return { do: 'leave', reason: 'workers-exist' };
  const to = Math.min(startWorkers, group.max);
  if (to > group.desired) return { do: 'raise', to };
  return { do: 'leave', reason: group.desired >= startWorkers ? 'already-wanted' : 'maximum-reached' };
}
