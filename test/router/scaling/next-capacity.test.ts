import fc from 'fast-check';
import {
  type CapacityState,
  type CapacityStep,
  coolDownMs,
  freshMs,
  type GroupSize,
  nextCapacity,
} from '../../../runtime/router/scaling/next-capacity.ts';

const now = 1_000_000;
const group = (facts: Partial<GroupSize & { readAtMs: number }> = {}) => ({
  ...{ desired: 0, max: 4, instances: 0, readAtMs: now },
  ...facts,
});
const decide = (facts: Partial<CapacityState>): CapacityStep =>
  nextCapacity(
    {
      ...{ startWorkers: 1, isHolding: true, readyWorkers: 0, group: group() },
      ...{ raisedAtMs: undefined, notBeforeMs: 0 },
      ...facts,
    },
    now,
  );

test.each<[string, Partial<CapacityState>, CapacityStep]>([
  ['raises an empty group that wants nothing', {}, { do: 'raise', to: 1 }],
  ['raises it to as many as configured', { startWorkers: 3 }, { do: 'raise', to: 3 }],
  ['never raises it beyond its maximum', { startWorkers: 3, group: group({ max: 2 }) }, { do: 'raise', to: 2 }],
  ['counts no instance that leaves while none is wanted', { group: group({ instances: 1 }) }, { do: 'raise', to: 1 }],
  [
    'adds to a group that wants some and has none',
    { startWorkers: 2, group: group({ desired: 1 }) },
    { do: 'raise', to: 2 },
  ],
  [
    'leaves what another router has raised',
    { group: group({ desired: 1 }) },
    { do: 'leave', reason: 'already-wanted' },
  ],
  ['never lowers', { group: group({ desired: 3 }) }, { do: 'leave', reason: 'already-wanted' }],
  [
    'leaves a group whose worker starts',
    { group: group({ desired: 1, instances: 1 }) },
    { do: 'leave', reason: 'workers-exist' },
  ],
  [
    'leaves it to scaling by utilisation once it has workers',
    { startWorkers: 3, group: group({ desired: 1, instances: 1 }) },
    { do: 'leave', reason: 'workers-exist' },
  ],
  ['leaves a group that may have none', { group: group({ max: 0 }) }, { do: 'leave', reason: 'maximum-reached' }],
  ['does nothing while nobody waits', { isHolding: false }, { do: 'nothing' }],
  [
    'does nothing while a worker is ready: the request waits for another reason',
    { readyWorkers: 1 },
    { do: 'nothing' },
  ],
  ['does nothing when it is switched off', { startWorkers: 0 }, { do: 'nothing' }],
  ['reads the group first', { group: undefined }, { do: 'look' }],
  ['reads it anew when the last look is old', { group: group({ readAtMs: now - freshMs - 1 }) }, { do: 'look' }],
  ['waits after a raise', { raisedAtMs: now - 1_000 }, { do: 'wait', untilMs: now - 1_000 + coolDownMs }],
  ['raises again after the cool-down', { raisedAtMs: now - coolDownMs }, { do: 'raise', to: 1 }],
  ['waits for its jitter or after a failure', { notBeforeMs: now + 700 }, { do: 'wait', untilMs: now + 700 }],
])('%s', (_name, facts, step) => {
  expect(decide(facts)).toEqual(step);
});

const size = fc.integer({ min: 0, max: 20 });

test('whatever the group is, a raise is above what it wants and within its maximum', () => {
  fc.assert(
    fc.property(size, size, size, size, (startWorkers, desired, max, instances) => {
      const step = decide({ startWorkers, group: group({ desired, max, instances }) });
      if (step.do !== 'raise') return;
      expect(step.to).toBeGreaterThan(desired);
      expect(step.to).toBeLessThanOrEqual(max);
      expect(desired === 0 || instances === 0).toBe(true);
    }),
  );
});

test('routers that read the group before either raised it raise it to the same number', () => {
  fc.assert(
    fc.property(size, size, fc.boolean(), (startWorkers, max, isFirstInCoolDown) => {
      const common = { startWorkers, group: group({ max }) };
      const steps = [
        decide(common),
        decide({ ...common, raisedAtMs: isFirstInCoolDown ? now - coolDownMs : undefined, notBeforeMs: now - 5 }),
      ];
      expect(steps[0]).toEqual(steps[1]);
    }),
  );
});
