import fc from 'fast-check';
import { Admission } from '../../../runtime/router/admission/admission.ts';
import { Slot, type Waiting } from '../../../runtime/router/admission/slot.ts';
import { CodedError } from '../../../runtime/shared/errors.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { NaiveAdmission, type NaiveRequest } from './naive-admission.ts';

/** Workers by model; the last model shares a worker with the first. */
const workersOfGroup = [[0, 1], [2], [1, 3]];
const workers = [0, 1, 2, 3].map((index) => ({ index }));
type Machine = (typeof workers)[number];

interface Tracked {
  readonly naive: NaiveRequest;
  slot: Slot<Machine> | undefined;
  waiting: Waiting<Machine> | undefined;
  outcome: NaiveRequest['state'];
}

const limits = fc.record({
  maxConcurrent: fc.integer({ min: 1, max: 6 }),
  maxConcurrentPerWorker: fc.integer({ min: 1, max: 3 }),
  queueRequests: fc.integer({ min: 0, max: 5 }),
  queueBytes: fc.integer({ min: 0, max: 40 }),
  queueTimeoutMs: fc.integer({ min: 1, max: 50 }),
  keyConcurrency: fc.integer({ min: 1, max: 5 }),
});

const index = fc.nat(30);
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('enter' as const),
      group: fc.nat(2),
      bytes: fc.nat(15),
      keyed: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('leave' as const), index, tokens: fc.nat(200) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('move' as const), index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('toggle' as const), worker: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 40 }) }) },
);

const outcomeByCode: Record<string, NaiveRequest['state']> = {
  QUEUE_FULL: 'queue-full',
  QUEUE_TIMEOUT: 'timed-out',
  RATE_LIMITED: 'over-key-limit',
};

test('every request meets the fate that a naive queue gives it; caps hold; nothing is left over', async () => {
  await fc.assert(
    fc.asyncProperty(limits, fc.array(step, { maxLength: 80 }), async (caps, steps) => {
      const clock = new ManualClock();
      const ready = new Set([0, 1, 2, 3]);
      const admission = new Admission<Machine>(caps, clock);
      const naive = new NaiveAdmission(caps, workersOfGroup, ready);
      const tracked: Tracked[] = [];
      const keyLimits = { concurrentRequests: caps.keyConcurrency, uncachedTokensPerMinute: 1_000_000 };

      const place = (request: NaiveRequest) => (hasRoom: (worker: Machine) => boolean) =>
        workersOfGroup[request.group]!.map((at) => workers[at]!).find(
          (worker) => ready.has(worker.index) && !request.tried.has(worker.index) && hasRoom(worker),
        );
      const follow = (entry: Tracked, entered: Slot<Machine> | Waiting<Machine>) => {
        if (entered instanceof Slot) {
          entry.slot = entered;
          entry.outcome = 'running';
          return;
        }
        entry.waiting = entered;
        entered.granted.then(
          (slot) => {
            entry.slot = slot;
            entry.outcome = 'running';
          },
          (error: Error) => {
            entry.outcome = error instanceof CodedError ? outcomeByCode[error.code]! : 'cancelled';
            entry.slot?.leave();
          },
        );
      };
      const pick = (at: number, state: NaiveRequest['state']) => {
        const candidates = tracked.filter((entry) => entry.naive.state === state);
        return candidates[at % Math.max(1, candidates.length)];
      };

      for (const action of steps) {
        if (action.do === 'enter') {
          const { group, bytes, keyed } = action;
          const entry: Tracked = {
            naive: naive.enter(group, bytes, keyed),
            slot: undefined,
            waiting: undefined,
            outcome: 'waiting',
          };
          tracked.push(entry);
          const key = keyed ? { keyId: 'k', limits: keyLimits } : undefined;
          const asked = { key, bytes, uncachedTokens: 100, group: String(group), place: place(entry.naive) };
          try {
            follow(entry, admission.enter(asked));
          } catch (error) {
            entry.outcome = outcomeByCode[(error as CodedError).code]!;
          }
        } else if (action.do === 'leave') {
          const entry = pick(action.index, 'running');
          if (entry) {
            naive.end(entry.naive, 'ended');
            entry.outcome = 'ended';
            entry.slot!.leave(action.tokens);
          }
        } else if (action.do === 'cancel') {
          const entry = pick(action.index, 'waiting');
          if (entry) {
            naive.end(entry.naive, 'cancelled');
            entry.waiting!.cancel();
          }
        } else if (action.do === 'move') {
          const entry = pick(action.index, 'running');
          if (entry) {
            naive.move(entry.naive);
            entry.outcome = 'moving';
            follow(entry, entry.slot!.move(place(entry.naive)));
          }
        } else if (action.do === 'toggle') {
          if (!ready.delete(action.worker)) ready.add(action.worker);
          naive.settle();
          admission.recheck();
        } else {
          clock.advance(action.ms);
          naive.advance(action.ms);
        }
        await new Promise(setImmediate);

        expect(tracked.map(({ outcome }) => outcome)).toEqual(naive.requests.map(({ state }) => state));
        expect(admission.running).toBeLessThanOrEqual(caps.maxConcurrent);
        expect(admission.waiting).toBe(naive.in('waiting', 'moving').length);
        for (const worker of workers) {
          expect(admission.runningOn(worker)).toBe(naive.runningOn(worker.index));
          expect(admission.runningOn(worker)).toBeLessThanOrEqual(caps.maxConcurrentPerWorker);
        }
      }

      for (const { waiting } of tracked) waiting?.cancel();
      for (const { slot } of tracked) slot?.leave();
      await new Promise(setImmediate);
      for (const { slot } of tracked) slot?.leave();
      expect([admission.running, admission.waiting, admission.waitingBytes, clock.pending]).toEqual([0, 0, 0, 0]);
      expect(workers.map((worker) => admission.runningOn(worker))).toEqual([0, 0, 0, 0]);
      expect(admission.meterOf('k')?.open ?? 0).toBe(0);
    }),
    { numRuns: 300 },
  );
});
