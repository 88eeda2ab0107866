import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readLoads } from '../../../runtime/log-monitor/sources/loads.ts';

const folder = `${import.meta.dirname}/../../fixtures/sglang-real-0.5.23`;
const captured = (name: string): unknown =>
  JSON.parse(readFileSync(`${folder}/${name}.resp`, 'utf8').split('\r\n\r\n')[1]!);

test('a real 0.5.23 under load and idle', () => {
  expect(readLoads(captured('get_v1_loads_busy'))).toEqual({
    runningRequests: 6,
    queuedRequests: 0,
    kvCacheUsage: 0.0467,
    maxRunningRequests: 2048,
  });
  expect(readLoads(captured('get_v1_loads_idle'))).toMatchObject({ runningRequests: 0, kvCacheUsage: 0 });
});

test('data-parallel ranks add up, their usage is averaged', () => {
  const rank = { num_running_reqs: 3, num_waiting_reqs: 1, token_usage: 0.2, max_running_requests: 16 };
  expect(readLoads({ loads: [rank, { ...rank, token_usage: 0.6 }] })).toEqual({
    runningRequests: 6,
    queuedRequests: 2,
    kvCacheUsage: 0.4,
    maxRunningRequests: 32,
  });
});

test('/get_load of 0.5.0 to 0.5.7 counts the waiting requests among all', () => {
  const answer = [
    { dp_rank: 0, num_reqs: 7, num_waiting_reqs: 2, num_tokens: 900 },
    { dp_rank: 1, num_reqs: 1, num_waiting_reqs: 0, num_tokens: 90 },
  ];
  expect(readLoads(answer)).toEqual({
    runningRequests: 6,
    queuedRequests: 2,
    kvCacheUsage: null,
    maxRunningRequests: null,
  });
});

test('a rank that cannot be read makes no engine with room', () => {
  const rank = { num_running_reqs: 3, num_waiting_reqs: 1 };
  expect(readLoads({ loads: [rank, { num_running_reqs: 'many' }] })).toBeUndefined();
});

test.each([
  null,
  undefined,
  '',
  7,
  {},
  [],
  { loads: {} },
  { loads: [] },
  { loads: [null] },
  [[]],
  { error: 'Unauthorized' },
])('%j is no load', (answer) => expect(readLoads(answer)).toBeUndefined());

test('never throws', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (answer) => void readLoads(answer)),
    { numRuns: 500 },
  );
});
