import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type LoadFacts,
  learnCapacity,
  nothingLearned,
  requestCapacity,
  utilizationOf,
} from '../../runtime/log-monitor/utilization.ts';

const load = (runningRequests: number, queuedRequests: number, kvCacheUsage: number): LoadFacts => ({
  runningRequests,
  queuedRequests,
  kvCacheUsage,
});
const unlimited = { configuredRequests: null, maxRunningRequests: null, learned: nothingLearned };

describe('capacity', () => {
  test('is what fits into the KV cache when the engine has more slots than that', () => {
    const learned = learnCapacity(nothingLearned, load(20, 0, 0.5), 10_000);
    expect(requestCapacity({ ...unlimited, maxRunningRequests: 2048, learned })).toBe(40);
    expect(requestCapacity({ ...unlimited, maxRunningRequests: 16, learned })).toBe(16);
  });

  test('is unknown as long as nothing tells', () => {
    expect(requestCapacity(unlimited)).toBeNull();
    expect(requestCapacity({ ...unlimited, maxRunningRequests: 64 })).toBe(64);
  });

  test('is what an operator says', () => {
    const learned = learnCapacity(nothingLearned, load(20, 0, 0.5), 10_000);
    expect(requestCapacity({ configuredRequests: 8, maxRunningRequests: 16, learned })).toBe(8);
  });

  test('follows a change of traffic: after a few minutes of requests that are ten times as long', () => {
    let learned = nothingLearned;
    for (let i = 0; i < 360; i++) learned = learnCapacity(learned, load(50, 0, 0.5), 10_000);
    expect(requestCapacity({ ...unlimited, learned })).toBeCloseTo(100);
    for (let i = 0; i < 120; i++) learned = learnCapacity(learned, load(5, 0, 0.5), 10_000);
    expect(requestCapacity({ ...unlimited, learned })).toBeLessThan(16);
  });

  test('an idle hour unlearns nothing', () => {
    const learned = learnCapacity(nothingLearned, load(20, 0, 0.5), 10_000);
    expect(learnCapacity(learned, load(0, 0, 0), 3_600_000)).toEqual(learned);
  });
});

describe('utilization', () => {
  test.each<[string, LoadFacts, number | null, number | null]>([
    ['half full', load(20, 0, 0.5), 40, 0.5],
    ['full, and as many again waiting', load(40, 40, 1), 40, 2],
    ['idle', load(0, 0, 0), 40, 0],
    ['idle, of an engine that nothing is known of', load(0, 0, 0), null, 0],
    ['busy, of an engine that nothing is known of', load(3, 0, 0), null, null],
    ['unknown', { runningRequests: null, queuedRequests: null, kvCacheUsage: null }, 40, null],
  ])('%s', (_, facts, capacity, expected) => {
    expect(utilizationOf(facts, capacity)).toBe(expected);
  });

  test('grows with the load and never falls below the share of slots or of the KV cache', () => {
    const count = fc.integer({ min: 1, max: 500 });
    fc.assert(
      fc.property(count, count, fc.double({ min: 0.01, max: 1, noNaN: true }), (running, slots, usage) => {
        const learned = learnCapacity(nothingLearned, load(running, 0, usage), 10_000);
        const capacity = requestCapacity({ ...unlimited, maxRunningRequests: slots, learned });
        const alone = utilizationOf(load(running, 0, usage), capacity)!;
        expect(alone).toBeGreaterThanOrEqual(Math.min(running, running / slots, usage) - 1e-4);
        expect(utilizationOf(load(running, 5, usage), capacity)!).toBeGreaterThan(alone);
      }),
    );
  });
});
