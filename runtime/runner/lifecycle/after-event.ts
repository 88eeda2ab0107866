import { causeOf, type DepartureCause, type DepartureLimit, depart, isInGroup } from './departure.ts';
import type { LifecycleBudgets, LifecycleEvent, LifecycleFacts } from './lifecycle-facts.ts';
import type { TargetState } from './machine.ts';

/**
 * The facts after an event; the same object when it changes nothing.
 * @param nowMs ms since the epoch
 */
export function afterEvent(
  facts: LifecycleFacts,
  event: LifecycleEvent,
  budgets: LifecycleBudgets,
  nowMs: number,
): LifecycleFacts {
  const leave = (cause: DepartureCause, limit?: DepartureLimit) => withDeparture(facts, cause, budgets, nowMs, limit);
  switch (event.kind) {
    case 'booted':
      return { ...facts };
    case 'target-state':
      return afterTargetState(facts, event.state, budgets, nowMs);
    case 'spot-interruption':
      return leave('spot', { deadlineAtMs: event.atMs - budgets.handOverLeadMs, isHard: true });
    case 'rebalance':
      return afterAdvice({ ...facts, isRebalanceAdvised: true }, budgets, nowMs);
    case 'work-seen': {
      const { otherReadyWorkers, longestJobMs } = event;
      return afterAdvice({ ...facts, otherReadyWorkers, longestJobMs }, budgets, nowMs);
    }
    case 'drain-requested':
      return leave('request');
    case 'signal':
      return leave('signal');
    case 'admitted':
      return facts.hasServed ? facts : { ...facts, hasServed: true };
    case 'generated':
      return afterGeneration(facts);
    case 'prepared':
      return { ...facts, isPrepared: true, isEngineStopped: event.isEngineStopped };
    case 'preparation-failed':
      return { ...facts, start: 'failed' };
    case 'given-up':
      if (facts.start !== 'generated') return { ...facts, start: 'failed', newMachineHelps: event.newMachineHelps };
      // A replacement would fail in the same way; the engine is launched again meanwhile, and may find what it misses.
      return event.newMachineHelps ? { ...facts, broken: facts.broken ?? 'engine' } : facts;
    case 'gpu-failure':
      return facts.start === 'generated' ? { ...facts, broken: 'gpu' } : { ...facts, start: 'failed', broken: 'gpu' };
    case 'draining':
      return { ...facts, drain: 'running' };
    case 'moved':
      return { ...facts, drain: 'moved' };
    case 'drained':
      return { ...facts, drain: 'over' };
    case 'launch-abandoned':
      return { ...facts, isLaunchOver: !event.wasOpen };
    case 'unhealthy-told': {
      const told = { ...facts, isUnhealthyTold: true };
      if (facts.broken === undefined && facts.start !== 'failed') return told;
      return withDeparture(told, facts.broken === 'gpu' ? 'gpu-failure' : 'engine-failure', budgets, nowMs);
    }
  }
}

function afterTargetState(
  facts: LifecycleFacts,
  targetState: TargetState,
  budgets: LifecycleBudgets,
  nowMs: number,
): LifecycleFacts {
  const isNews = targetState !== facts.targetState;
  const next = { ...facts, targetState, isLaunchOver: facts.isLaunchOver && !isNews };
  const cause = causeOf(targetState);
  // An instance that never served goes to the warm pool by preparing, not by draining.
  if (cause === undefined || (cause === 'warm-pool' && !facts.hasServed)) return afterAdvice(next, budgets, nowMs);
  return withDeparture(next, cause, budgets, nowMs);
}

/** A recommendation is no deadline: it is followed when the group replaces the instance and another worker is there. */
function afterAdvice(facts: LifecycleFacts, budgets: LifecycleBudgets, nowMs: number): LifecycleFacts {
  const { isRebalanceAdvised, targetState, otherReadyWorkers = 0 } = facts;
  if (!isRebalanceAdvised || facts.departure || !isInGroup(targetState) || otherReadyWorkers === 0) return facts;
  return withDeparture(facts, 'rebalance', budgets, nowMs);
}

function afterGeneration(facts: LifecycleFacts): LifecycleFacts {
  // An engine that recovers is no reason any more to replace the machine, unless the group was told; a GPU does not mend.
  const { broken, isUnhealthyTold } = facts;
  if (broken === 'gpu' || isUnhealthyTold) return facts;
  return { ...facts, start: 'generated', broken: undefined };
}

function withDeparture(
  facts: LifecycleFacts,
  cause: DepartureCause,
  { drainMs }: LifecycleBudgets,
  nowMs: number,
  limit: DepartureLimit = { deadlineAtMs: nowMs + drainMs, isHard: false },
): LifecycleFacts {
  const departure = depart(facts.departure, cause, limit, nowMs);
  return departure === facts.departure ? facts : { ...facts, departure };
}
