import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { histogramValues } from '../../../runtime/log-monitor/sources/histogram-values.ts';

test('one value for each bucket with observations, at the place that makes the mean right', () => {
  // 4 observations below 0.1 and 2 between 0.1 and 0.3: 0.05 and 0.2 have the mean of 0.1.
  expect(histogramValues({ bounds: [0.1, 0.3, 1], counts: [4, 2, 0, 0], sum: 0.6 })).toEqual({
    values: [0.05, 0.2],
    counts: [4, 2],
  });
});

test('no observations, no values', () => {
  expect(histogramValues({ bounds: [1], counts: [0, 0], sum: 0 })).toEqual({ values: [], counts: [] });
});

test('a sum that the buckets cannot have leaves the values inside them', () => {
  expect(histogramValues({ bounds: [1, 2], counts: [0, 3, 0], sum: 100 }).values).toEqual([2]);
  expect(histogramValues({ bounds: [1, 2], counts: [0, 3, 0], sum: 0 }).values).toEqual([1]);
});

test('what lies above every bound is placed above it', () => {
  expect(histogramValues({ bounds: [400], counts: [0, 1], sum: 500 }).values).toEqual([500]);
});

test('whatever was observed: its count is exact, its mean nearly, and every value stands in its bucket', () => {
  const bounds = [0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10];
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 1 }), (seen) => {
      const counts = [...bounds, Infinity].map((bound, i) => {
        const from = bounds[i - 1] ?? -1;
        return seen.filter((value) => value > from && value <= bound).length;
      });
      const sum = seen.reduce((total, value) => total + value, 0);
      const { values, counts: weights } = histogramValues({ bounds, counts, sum });
      expect(weights).toEqual(counts.filter((count) => count > 0));
      const mean = values.reduce((total, value, i) => total + value * weights![i]!, 0) / seen.length;
      expect(mean).toBeCloseTo(sum / seen.length, 4);
      const filled = counts.flatMap((count, i) => (count > 0 ? [i] : []));
      for (const [at, bucket] of filled.entries()) {
        expect(values[at]).toBeGreaterThanOrEqual(bounds[bucket - 1] ?? 0);
        expect(values[at]).toBeLessThanOrEqual(bounds[bucket]!);
      }
    }),
  );
});
