import { expect, test } from '@jest/globals';
import { chooseMeasurements, measures, precedence } from '../../../runtime/log-monitor/sources/measurement.ts';

test('each number comes from the best source that has it, and says which', () => {
  expect(
    chooseMeasurements({
      loads: { runningRequests: { values: [3] } },
      metrics: { runningRequests: { values: [4] }, generationTokens: { values: [10] }, cachedTokens: { values: [2] } },
      log: { runningRequests: { values: [5] }, generationTokens: { values: [11] }, prefillTokens: { values: [7] } },
    }),
  ).toEqual({
    runningRequests: { values: [3], source: 'loads' },
    generationTokens: { values: [10], source: 'metrics' },
    prefillTokens: { values: [7], source: 'log' },
    cachedTokens: { values: [2], source: 'metrics' },
  });
});

test('a source that saw nothing happen still has the say', () => {
  const chosen = chooseMeasurements({
    'metrics-finished': { timeToFirstToken: { values: [], counts: [] } },
    'request-log': { timeToFirstToken: { values: [1] } },
  });
  expect(chosen.timeToFirstToken).toEqual({ values: [], counts: [], source: 'metrics-finished' });
});

test('a source says nothing about what it is not asked for', () => {
  expect(chooseMeasurements({ loads: { generationTokens: { values: [1] } } })).toEqual({});
});

test.each(measures.filter((measure) => !measure.includes('Latency') && measure !== 'timeToFirstToken'))(
  '%s can be had from the log alone, which every version writes',
  (measure) => expect(precedence[measure]).toContain('log'),
);
