import { isGoing, isInGroup, isWarm } from './departure.ts';
import type { LifecycleFacts } from './lifecycle-facts.ts';

/** What becomes of a lifecycle action that may be open for the instance. */
export type ActionWish =
  | { readonly do: 'leave-alone' }
  /** Its time-out is put off by heartbeats. */
  | { readonly do: 'keep-open'; readonly occasion: Occasion }
  | { readonly do: 'complete'; readonly result: 'CONTINUE' | 'ABANDON'; readonly occasion: Occasion };

/** What the action leads to: an instance passes the same hook again on its way from the warm pool into service. */
export type Occasion = 'service' | 'warm-pool' | 'end';

export type Service =
  /** Put on disk what a later start needs, and stay out of the routers' lists. */
  | 'prepare'
  | 'serve'
  | 'leave'
  /** End this process, so that a new one serves: this one's engine is gone for good. */
  | 'restart';

/** What an instance should be doing and saying; the same facts always give the same, so that it may be asked at any time. */
export interface Wanted {
  readonly service: Service;
  readonly launchAction: ActionWish;
  readonly terminateAction: ActionWish;
  /** The group should replace the instance. */
  readonly isUnhealthy: boolean;
  /** The group should choose another instance when it scales in. */
  readonly isProtected: boolean;
}

const leaveAlone: ActionWish = { do: 'leave-alone' };

/** @param drainMs a job that runs for longer would not survive a drain on this machine */
export function wantedOf(facts: LifecycleFacts, drainMs: number): Wanted {
  const { departure, targetState, longestJobMs } = facts;
  return {
    service: serviceOf(facts),
    launchAction: launchAction(facts),
    terminateAction: terminateAction(facts),
    isUnhealthy: isUnhealthy(facts),
    isProtected: departure === undefined && isInGroup(targetState) && longestJobMs > drainMs,
  };
}

function serviceOf({ departure, drain, targetState, hasServed, isEngineStopped }: LifecycleFacts): Service {
  if (departure) {
    const isOnlyForPool = departure.causes.every((cause) => cause === 'warm-pool');
    return isOnlyForPool && drain === 'over' && targetState === 'InService' ? 'restart' : 'leave';
  }
  if (isWarm(targetState) && !hasServed) return 'prepare';
  return isEngineStopped ? 'restart' : 'serve';
}

function launchAction(facts: LifecycleFacts): ActionWish {
  const { departure, targetState, start, isPrepared } = facts;
  const occasion = isWarm(targetState) ? 'warm-pool' : 'service';
  if (departure) {
    // Into the warm pool the way may lead through this hook or through the other one.
    const isReady = isWarm(targetState) && isReadyForPool(facts);
    return isReady ? { do: 'complete', result: 'CONTINUE', occasion } : leaveAlone;
  }
  if (start === 'failed') return { do: 'complete', result: 'ABANDON', occasion };
  const isDone = occasion === 'warm-pool' ? isPrepared : start === 'generated';
  return isDone ? { do: 'complete', result: 'CONTINUE', occasion } : { do: 'keep-open', occasion };
}

function terminateAction(facts: LifecycleFacts): ActionWish {
  const { departure, targetState, hasServed } = facts;
  if (isGoing(targetState)) {
    const occasion = 'end';
    return hasMoved(facts) ? { do: 'complete', result: 'CONTINUE', occasion } : { do: 'keep-open', occasion };
  }
  if (!isWarm(targetState)) return leaveAlone;
  const occasion = 'warm-pool';
  if (isReadyForPool(facts)) return { do: 'complete', result: 'CONTINUE', occasion };
  return departure && hasServed ? { do: 'keep-open', occasion } : leaveAlone;
}

/** Prepared, or moved away from: a daemon that was restarted on the way into the pool does the former. */
function isReadyForPool(facts: LifecycleFacts): boolean {
  return facts.isPrepared || (facts.departure !== undefined && facts.hasServed && hasMoved(facts));
}

function isUnhealthy(facts: LifecycleFacts): boolean {
  const { broken, start, isLaunchOver, newMachineHelps, departure, targetState } = facts;
  if (!isInGroup(targetState) || isGoing(targetState)) return false;
  if (start === 'failed') return isLaunchOver && newMachineHelps;
  if (broken !== undefined) return true;
  // It takes no part any more once it has moved away, and a group without capacity rebalancing would keep it for ever.
  return departure?.causes.includes('rebalance') === true && hasMoved(facts);
}

function hasMoved({ drain }: LifecycleFacts): boolean {
  return drain === 'moved' || drain === 'over';
}
