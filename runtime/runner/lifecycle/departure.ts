import type { TargetState } from './machine.ts';

/** Why a runner gives up its engine. */
export type DepartureCause =
  /** SIGTERM or SIGINT: the process ends, the machine perhaps stays. */
  | 'signal'
  /** `POST /drain`. */
  | 'request'
  /** The group terminates the instance. */
  | 'scale-in'
  /** The group takes the instance back into its warm pool. */
  | 'warm-pool'
  /** Spot takes the machine back. */
  | 'spot'
  /** Spot will probably take it back. */
  | 'rebalance'
  /** The engine is beyond repair on this machine. */
  | 'engine-failure'
  /** A GPU will not work again before a reboot. */
  | 'gpu-failure';

/** A drain that was decided on. Times in ms since the epoch, since they outlive the process. */
export interface Departure {
  /** In the order of their coming, at least one. */
  readonly causes: readonly DepartureCause[];
  readonly startedAtMs: number;
  /** What still runs then is handed over to other workers. The earliest of all causes. */
  readonly deadlineAtMs: number;
  /** Soon after the deadline the machine is gone, whatever still runs. */
  readonly isHard: boolean;
}

export interface DepartureLimit {
  readonly deadlineAtMs: number;
  readonly isHard: boolean;
}

/** The departure with one more cause; the same object when nothing changes. */
export function depart(
  departure: Departure | undefined,
  cause: DepartureCause,
  { deadlineAtMs, isHard }: DepartureLimit,
  nowMs: number,
): Departure {
  if (!departure) return { causes: [cause], startedAtMs: nowMs, deadlineAtMs, isHard };
  if (departure.causes.includes(cause) && departure.deadlineAtMs <= deadlineAtMs) return departure;
  return {
    causes: departure.causes.includes(cause) ? departure.causes : [...departure.causes, cause],
    startedAtMs: departure.startedAtMs,
    deadlineAtMs: Math.min(departure.deadlineAtMs, deadlineAtMs),
    isHard: departure.isHard || isHard,
  };
}

/** The group terminates the instance, from service or from its warm pool. */
export function isGoing(state: TargetState | undefined): boolean {
  return state === 'Terminated' || state === 'Warmed:Terminated';
}

/** The group keeps the instance in its warm pool, ready for later. */
export function isWarm(state: TargetState | undefined): boolean {
  return state === 'Warmed:Stopped' || state === 'Warmed:Running' || state === 'Warmed:Hibernated';
}

/** Whether a group owns the instance: without one the metadata has no target state. */
export function isInGroup(state: TargetState | undefined): boolean {
  return state !== undefined && state !== 'Detached';
}

/** What the group's own will stands for, undefined when it wants the instance to go on. */
export function causeOf(state: TargetState): 'scale-in' | 'warm-pool' | undefined {
  if (isGoing(state)) return 'scale-in';
  return isWarm(state) ? 'warm-pool' : undefined;
}

/**
 * What is left of a departure that an earlier process of this boot had begun. A signal ended that process and says nothing
 * about the next one; the group's will is asked for anew.
 * @param targetState as it is now; undefined when it cannot be read, which takes nothing back
 */
export function resumed(departure: Departure, targetState: TargetState | undefined): Departure | undefined {
  const causes = departure.causes.filter((cause) => {
    if (cause === 'signal') return false;
    const isOfGroup = cause === 'scale-in' || cause === 'warm-pool';
    return !isOfGroup || targetState === undefined || causeOf(targetState) !== undefined;
  });
  return causes.length === 0 ? undefined : { ...departure, causes };
}
