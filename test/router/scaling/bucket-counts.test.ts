import fc from 'fast-check';
import { BucketCounts, geometricBuckets, linearBuckets } from '../../../runtime/router/scaling/bucket-counts.ts';

const durations = geometricBuckets(0.002, 600, 97);
const duration = fc.double({ min: 0.002, max: 599, noNaN: true });

test('a value is reported within 7 % of what it was, over the whole range', () => {
  fc.assert(
    fc.property(duration, (seconds) => {
      const reported = durations.valueOf(durations.indexOf(seconds));
      expect(Math.abs(reported - seconds) / seconds).toBeLessThan(0.07);
    }),
  );
});

test('what is too short counts as 0, what is too long as the longest', () => {
  expect([0, -1, 0.0019].map((seconds) => durations.valueOf(durations.indexOf(seconds)))).toEqual([0, 0, 0]);
  const longest = durations.valueOf(durations.size - 1);
  expect(durations.valueOf(durations.indexOf(1e9))).toBe(longest);
  expect(longest).toBeGreaterThan(550);
});

test('a share counts as the nearest step, also where arithmetic leaves it a little outside', () => {
  const shares = linearBuckets(1, 50);
  expect([0, 0.009, 0.011, 0.5, 1, 1.0000001, -1e-9].map((share) => shares.valueOf(shares.indexOf(share)))).toEqual([
    0, 0, 0.02, 0.5, 1, 1, 0,
  ]);
});

test('every value is taken once, with the others of its bucket, smallest first', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e4, noNaN: true })), (seconds) => {
      const counts = new BucketCounts(durations);
      for (const value of seconds) counts.add(value);
      const taken = counts.take() ?? { values: [], counts: [] };
      expect(taken.counts.reduce((sum, count) => sum + count, 0)).toBe(seconds.length);
      expect(taken.values).toEqual([...new Set(taken.values)].sort((a, b) => a - b));
      // CloudWatch's formats take no more values than that in one metric.
      expect(taken.values.length).toBeLessThanOrEqual(100);
      expect(counts.take()).toBeUndefined();
    }),
  );
});
