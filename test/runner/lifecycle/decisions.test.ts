import { afterEvent } from '../../../runtime/runner/lifecycle/after-event.ts';
import { depart, resumed } from '../../../runtime/runner/lifecycle/departure.ts';
import {
  initialFacts,
  type LifecycleBudgets,
  type LifecycleEvent,
  type LifecycleFacts,
} from '../../../runtime/runner/lifecycle/lifecycle-facts.ts';
import { nothingSaved, parseSaved } from '../../../runtime/runner/lifecycle/lifecycle-file.ts';
import { heartbeatIntervalMs } from '../../../runtime/runner/lifecycle/lifecycle-hook.ts';
import type { TargetState } from '../../../runtime/runner/lifecycle/machine.ts';
import { wantedOf } from '../../../runtime/runner/lifecycle/wanted.ts';
import { combineViews, parseHeartbeatAnswer } from '../../../runtime/runner/routers/router-view.ts';

const budgets: LifecycleBudgets = { drainMs: 120_000, handOverLeadMs: 10_000 };
const nowMs = 1_000_000;

const target = (state: TargetState): LifecycleEvent => ({ kind: 'target-state', state });
const spot = (inMs: number): LifecycleEvent => ({
  kind: 'spot-interruption',
  action: 'terminate',
  atMs: nowMs + inMs,
});
const work = (otherReadyWorkers: number | undefined, longestJobMs = 0): LifecycleEvent => ({
  kind: 'work-seen',
  otherReadyWorkers,
  longestJobMs,
});

/** What became of it, event by event. */
function factsAfter(...events: LifecycleEvent[]): LifecycleFacts {
  return events.reduce((facts, event) => afterEvent(facts, event, budgets, nowMs), initialFacts);
}
const wanted = (...events: LifecycleEvent[]) => wantedOf(factsAfter(...events), budgets.drainMs);
const inService: LifecycleEvent[] = [target('InService'), { kind: 'admitted' }, { kind: 'generated' }];
const drained: LifecycleEvent[] = [{ kind: 'draining' }, { kind: 'moved' }, { kind: 'drained' }];

const leaveAlone = { do: 'leave-alone' };
const keepOpen = (occasion: string) => ({ do: 'keep-open', occasion });
const complete = (occasion: string, result = 'CONTINUE') => ({ do: 'complete', result, occasion });

describe('at boot', () => {
  test.each<[TargetState | undefined, string]>([
    [undefined, 'serve'],
    ['InService', 'serve'],
    ['Standby', 'serve'],
    ['Detached', 'serve'],
    ['Warmed:Stopped', 'prepare'],
    ['Warmed:Running', 'prepare'],
    ['Warmed:Hibernated', 'prepare'],
    ['Terminated', 'leave'],
    ['Warmed:Terminated', 'leave'],
  ])('with the target state %s a worker is to %s', (state, service) => {
    expect(wanted(state === undefined ? { kind: 'booted' } : target(state)).service).toBe(service);
  });

  test('the launch waits for a generation, and is abandoned with the engine', () => {
    expect(wanted(target('InService')).launchAction).toEqual(keepOpen('service'));
    expect(wanted(...inService).launchAction).toEqual(complete('service'));
    const givenUp = { kind: 'given-up', newMachineHelps: true } as const;
    expect(wanted(target('InService'), givenUp).launchAction).toEqual(complete('service', 'ABANDON'));
    expect(wanted(target('InService'), { kind: 'gpu-failure' }).launchAction).toEqual(complete('service', 'ABANDON'));
    expect(wanted(target('InService'), givenUp, { kind: 'generated' }).launchAction).toEqual(complete('service'));
  });

  test('a failed start of an instance that no launch waits for is a matter of its health', () => {
    const events: LifecycleEvent[] = [target('InService'), { kind: 'given-up', newMachineHelps: true }];
    expect(wanted(...events).isUnhealthy).toBe(false);
    expect(wanted(...events, { kind: 'launch-abandoned', wasOpen: true }).isUnhealthy).toBe(false);
    const closed = { kind: 'launch-abandoned', wasOpen: false } as const;
    expect(wanted(...events, closed).isUnhealthy).toBe(true);
    expect(wanted(...events, closed, { kind: 'generated' }).isUnhealthy).toBe(false);
    expect(factsAfter(...events, closed, { kind: 'unhealthy-told' }).departure?.causes).toEqual(['engine-failure']);
    // A wrong flag would fail on the next machine as well.
    const wrongFlag = { kind: 'given-up', newMachineHelps: false } as const;
    expect(wanted(target('InService'), wrongFlag, closed).isUnhealthy).toBe(false);
  });
});

describe('the warm pool', () => {
  const prepared = { kind: 'prepared', isEngineStopped: true } as const;
  const keptEngine = { kind: 'prepared', isEngineStopped: false } as const;

  test('a launch into it is completed when all is prepared, not by the generation itself', () => {
    expect(wanted(target('Warmed:Stopped'), { kind: 'generated' }).launchAction).toEqual(keepOpen('warm-pool'));
    expect(wanted(target('Warmed:Stopped'), { kind: 'generated' }, prepared).launchAction).toEqual(
      complete('warm-pool'),
    );
    expect(wanted(target('Warmed:Stopped'), { kind: 'preparation-failed' }).launchAction).toEqual(
      complete('warm-pool', 'ABANDON'),
    );
  });

  test('out of it the same hook is completed once more', () => {
    const running = [target('Warmed:Running'), { kind: 'generated' } as const, keptEngine, target('InService')];
    expect(wanted(...running)).toMatchObject({ service: 'serve', launchAction: complete('service') });
    const stopped = [target('Warmed:Stopped'), { kind: 'generated' } as const, prepared, target('InService')];
    expect(wanted(...stopped).service).toBe('restart');
  });

  test('a process that is stopped in the middle of a preparation promises nothing', () => {
    const events = [target('Warmed:Stopped'), { kind: 'signal' } as const, ...drained];
    expect(wanted(...events)).toMatchObject({ launchAction: leaveAlone, terminateAction: leaveAlone });
  });

  test('an instance that served drains on its way into it, whichever hook that is', () => {
    const returning = [...inService, target('Warmed:Stopped')];
    expect(wanted(...returning)).toMatchObject({
      service: 'leave',
      launchAction: leaveAlone,
      terminateAction: keepOpen('warm-pool'),
    });
    expect(wanted(...returning, ...drained)).toMatchObject({
      service: 'leave',
      launchAction: complete('warm-pool'),
      terminateAction: complete('warm-pool'),
    });
    expect(wanted(...returning, ...drained, target('InService')).service).toBe('restart');
    // Before it has drained nothing can be taken back.
    expect(wanted(...returning, target('InService')).service).toBe('leave');
  });
});

describe('a scale-in', () => {
  const leaving = [...inService, target('Terminated')];

  test('keeps the action open until requests and sessions have moved', () => {
    expect(wanted(...leaving)).toMatchObject({ service: 'leave', terminateAction: keepOpen('end') });
    expect(wanted(...leaving, { kind: 'draining' }).terminateAction).toEqual(keepOpen('end'));
    expect(wanted(...leaving, { kind: 'draining' }, { kind: 'moved' }).terminateAction).toEqual(complete('end'));
    expect(wanted(...leaving, ...drained).terminateAction).toEqual(complete('end'));
  });

  test.each<LifecycleEvent>([{ kind: 'signal' }, { kind: 'drain-requested' }, spot(60_000)])(
    'is not what $kind means: no hook is touched by it',
    (event) => {
      expect(wanted(...inService, event, ...drained)).toMatchObject({
        service: 'leave',
        launchAction: leaveAlone,
        terminateAction: leaveAlone,
      });
      expect(wanted(...inService, event, ...drained, target('Terminated')).terminateAction).toEqual(complete('end'));
    },
  );
});

describe('deadlines', () => {
  test('a drain has its budget, Spot what the notice leaves', () => {
    expect(factsAfter(...inService, target('Terminated')).departure).toEqual({
      causes: ['scale-in'],
      startedAtMs: nowMs,
      deadlineAtMs: nowMs + 120_000,
      isHard: false,
    });
    expect(factsAfter(...inService, spot(120_000)).departure).toMatchObject({
      deadlineAtMs: nowMs + 110_000,
      isHard: true,
    });
  });

  test('of several causes the earliest counts, whatever their order', () => {
    const causes = [target('Terminated'), spot(60_000), { kind: 'signal' } as const];
    for (const order of [causes, causes.toReversed()]) {
      const { departure } = factsAfter(...inService, ...order);
      expect(departure).toMatchObject({ deadlineAtMs: nowMs + 50_000, isHard: true });
      expect(new Set(departure!.causes)).toEqual(new Set(['scale-in', 'spot', 'signal']));
    }
  });

  test('the same cause again changes nothing, unless its time comes earlier', () => {
    const limit = { deadlineAtMs: 5_000, isHard: false };
    const first = depart(undefined, 'spot', limit, 0);
    expect(depart(first, 'spot', { deadlineAtMs: 6_000, isHard: false }, 1)).toBe(first);
    expect(depart(first, 'spot', { deadlineAtMs: 4_000, isHard: false }, 1)).toMatchObject({
      causes: ['spot'],
      startedAtMs: 0,
      deadlineAtMs: 4_000,
    });
  });
});

describe('a rebalance recommendation', () => {
  const advice: LifecycleEvent = { kind: 'rebalance', atMs: nowMs };

  test('is followed when the routers know another ready worker, and not before', () => {
    expect(wanted(...inService, advice).service).toBe('serve');
    expect(wanted(...inService, advice, work(undefined)).service).toBe('serve');
    expect(wanted(...inService, advice, work(0)).service).toBe('serve');
    expect(wanted(...inService, advice, work(1)).service).toBe('leave');
    expect(wanted(...inService, work(1), advice).service).toBe('leave');
  });

  test('is none of the business of an instance that no group would replace', () => {
    const alone: LifecycleEvent[] = [{ kind: 'booted' }, { kind: 'admitted' }, { kind: 'generated' }];
    expect(wanted(...alone, advice, work(3)).service).toBe('serve');
    expect(wanted(...inService, target('Detached'), advice, work(3)).service).toBe('serve');
  });

  test('ends with an instance that the group replaces', () => {
    const leaving = [...inService, work(1), advice];
    expect(wanted(...leaving).isUnhealthy).toBe(false);
    expect(wanted(...leaving, ...drained).isUnhealthy).toBe(true);
    expect(wanted(...leaving, ...drained, target('Terminated')).isUnhealthy).toBe(false);
  });
});

describe('what is beyond repair', () => {
  test('an engine in service is reported, and the instance leaves when the group has heard', () => {
    const broken: LifecycleEvent[] = [...inService, { kind: 'given-up', newMachineHelps: true }];
    expect(wanted(...broken)).toMatchObject({ service: 'serve', isUnhealthy: true });
    expect(wanted(...broken, { kind: 'generated' }).isUnhealthy).toBe(false);
    expect(factsAfter(...broken, { kind: 'unhealthy-told' }).departure?.causes).toEqual(['engine-failure']);
    expect(wanted(...inService, { kind: 'given-up', newMachineHelps: false }).isUnhealthy).toBe(false);
  });

  test('a GPU does not mend by generating once more', () => {
    const broken: LifecycleEvent[] = [...inService, { kind: 'gpu-failure' }];
    expect(wanted(...broken, { kind: 'generated' }).isUnhealthy).toBe(true);
    expect(factsAfter(...broken, { kind: 'unhealthy-told' }).departure?.causes).toEqual(['gpu-failure']);
  });
});

test('a worker is protected while a job runs for longer than its drain would wait', () => {
  expect(wanted(...inService, work(1, 120_000)).isProtected).toBe(false);
  expect(wanted(...inService, work(1, 120_001)).isProtected).toBe(true);
  expect(wanted(...inService, work(1, 120_001), work(1, 0)).isProtected).toBe(false);
  expect(wanted(...inService, work(1, 120_001), target('Terminated')).isProtected).toBe(false);
  expect(wanted({ kind: 'booted' }, work(1, 120_001)).isProtected).toBe(false);
});

test('the next process resumes what the group and the cloud want, and not its own end', () => {
  const departure = { causes: ['scale-in', 'signal', 'spot'] as const, startedAtMs: 1, deadlineAtMs: 2, isHard: true };
  expect(resumed(departure, 'Terminated')).toEqual({ ...departure, causes: ['scale-in', 'spot'] });
  expect(resumed(departure, undefined)).toEqual({ ...departure, causes: ['scale-in', 'spot'] });
  expect(resumed(departure, 'InService')).toEqual({ ...departure, causes: ['spot'] });
  expect(resumed({ ...departure, causes: ['signal'] }, 'InService')).toBeUndefined();
  expect(resumed({ ...departure, causes: ['warm-pool', 'signal'] }, 'InService')).toBeUndefined();
});

test('heartbeats come three to a time-out, within bounds', () => {
  expect([30_000, 90_000, 3_600_000].map(heartbeatIntervalMs)).toEqual([10_000, 30_000, 300_000]);
});

describe('the saved life cycle', () => {
  const departure = { causes: ['spot'] as const, startedAtMs: 1, deadlineAtMs: 2, isHard: true };
  const saved = { version: 1, bootId: 'this', departure, isUnhealthyTold: true, isProtected: true };

  test('comes back as it was, for the boot that it was written in', () => {
    expect(parseSaved(JSON.stringify(saved), 'this')).toEqual({ departure, isUnhealthyTold: true, isProtected: true });
    expect(parseSaved(JSON.stringify(saved), 'next')).toEqual(nothingSaved);
  });

  test.each([
    '',
    'null',
    '[]',
    '{"version":2,"bootId":"this"}',
    '{"version":1}',
    JSON.stringify({ ...saved, departure: 7 }),
    JSON.stringify({ ...saved, departure: { ...departure, causes: [] } }),
    JSON.stringify({ ...saved, departure: { ...departure, causes: ['whim'] } }),
    JSON.stringify({ ...saved, departure: { ...departure, deadlineAtMs: 'soon' } }),
  ])('is nothing else: %s', (text) => {
    expect(parseSaved(text, 'this')).toBeUndefined();
  });
});

describe('what routers tell', () => {
  test('is the sum of their requests, their oldest one, and the least that all of them know of others', () => {
    const one = { inFlightRequests: 2, oldestRequestSeconds: 5, otherReadyWorkers: 3 };
    const other = { inFlightRequests: 1, oldestRequestSeconds: 9, otherReadyWorkers: 0 };
    expect(combineViews([one, undefined, other])).toEqual({
      inFlightRequests: 3,
      oldestRequestSeconds: 9,
      otherReadyWorkers: 0,
    });
    expect(combineViews([undefined])).toBeUndefined();
    expect(combineViews([])).toBeUndefined();
  });

  test.each([
    undefined,
    null,
    {},
    'text',
    { coordinatorId: 'a' },
    { inFlightRequests: -1, oldestRequestSeconds: 0, otherReadyWorkers: 0 },
  ])('may be nothing: %j', (answer) => {
    expect(parseHeartbeatAnswer(answer)).toBeUndefined();
  });
});
