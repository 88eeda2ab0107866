import { expect, test } from '@jest/globals';
import type { EngineState } from '../../runtime/log-monitor/engine-life.ts';
import { type LoggedLoad, nextLoggedLoad } from '../../runtime/log-monitor/logged-load.ts';

const silent = { runningRequests: null, queuedRequests: null, kvCacheUsage: null, failedHealthChecks: 0 };
const busy: LoggedLoad = { runningRequests: 6, queuedRequests: 2, kvCacheUsage: 0.4, atMs: 100_000 };
const idle = { runningRequests: 0, queuedRequests: 0, kvCacheUsage: 0 };

test('what a window said counts', () => {
  const gauges = { ...silent, runningRequests: 3, queuedRequests: 0, kvCacheUsage: 0.1 };
  expect(nextLoggedLoad(busy, gauges, 'serving', 110_000)).toEqual({
    runningRequests: 3,
    queuedRequests: 0,
    kvCacheUsage: 0.1,
    atMs: 110_000,
  });
});

test('a short silence changes nothing, a longer one is idleness', () => {
  expect(nextLoggedLoad(busy, silent, 'serving', 110_000)).toBe(busy);
  expect(nextLoggedLoad(busy, silent, 'serving', 120_000)).toMatchObject(idle);
});

test('silence is not idleness when the engine failed its own health check', () => {
  expect(nextLoggedLoad(busy, { ...silent, failedHealthChecks: 1 }, 'serving', 120_000)).toBeNull();
});

test('an engine that has served nobody yet is idle', () => {
  expect(nextLoggedLoad(null, silent, 'serving', 1)).toMatchObject(idle);
});

test.each<EngineState>(['unknown', 'starting', 'dead'])('a silent engine that is %s has no known load', (state) => {
  expect(nextLoggedLoad(busy, silent, state, 110_000)).toBeNull();
});

test('what a starting engine prefills to warm up is no load', () => {
  const warmUp = { ...silent, runningRequests: 0, queuedRequests: 0 };
  expect(nextLoggedLoad(null, warmUp, 'starting', 1)).toBeNull();
});
