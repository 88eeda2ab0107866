import fc from 'fast-check';
import { bucketError, chunksOf, compressValues } from '../../../runtime/shared/cloudwatch/value-buckets.ts';

const value = fc.oneof(
  fc.double({ min: -1e9, max: 1e9, noNaN: true }),
  fc.double({ min: 0.001, max: 100, noNaN: true }),
  fc.integer({ min: -50, max: 50 }),
  fc.constantFrom(0, 2 ** 360, -(2 ** 360)),
);
const distribution = fc.array(fc.tuple(value, fc.integer({ min: 1, max: 1_000 })), { minLength: 1, maxLength: 400 });

test('each value is represented within 1 %, in order, and no observation is lost', () => {
  fc.assert(
    fc.property(distribution, fc.integer({ min: 1, max: 200 }), (pairs, limit) => {
      const counts = new Map(pairs);
      const compressed = compressValues(counts, limit);
      const sorted = [...counts].sort(([a], [b]) => a - b);
      if (counts.size <= limit) expect(compressed).toHaveLength(counts.size);
      const stands = [...compressed].sort((a, b) => a.value - b.value);
      // Members of one stand-in are neighbours, so walking both in order pairs them up.
      let index = 0;
      for (const stand of stands) {
        for (let left = stand.count; left > 0; index++) {
          const [original, count] = sorted[index]!;
          expect(Math.abs(original - stand.value)).toBeLessThanOrEqual(
            Math.abs(stand.value) * bucketError * (1 + 1e-9),
          );
          left -= count;
          expect(left).toBeGreaterThanOrEqual(0);
        }
      }
      expect(index).toBe(sorted.length);
    }),
  );
});

test('a rare value keeps its 1 % beside a frequent one', () => {
  const [stand, ...others] = compressValues(
    new Map([
      [100, 1_000_000],
      [102, 1],
    ]),
    1,
  );
  expect(others).toEqual([]);
  expect(stand!.count).toBe(1_000_001);
  for (const original of [100, 102]) expect(Math.abs(original - stand!.value) / original).toBeLessThanOrEqual(0.01);
});

test('ten thousand latencies between 20 ms and 60 s need fewer than 410 values, and their sum stays within 0.1 %', () => {
  const latencies = Array.from({ length: 10_000 }, (_, index) => 0.02 * 3_000 ** (index / 9_999));
  const compressed = compressValues(new Map(latencies.map((latency) => [latency, 1])), 150);
  expect(compressed.length).toBeLessThan(410);
  const sum = latencies.reduce((total, latency) => total + latency, 0);
  const kept = compressed.reduce((total, { value, count }) => total + value * count, 0);
  expect(Math.abs(kept - sum) / sum).toBeLessThan(0.001);
});

test('values that fit are left as they are', () => {
  const counts = new Map([
    [1.000001, 3],
    [1.000002, 1],
  ]);
  expect(compressValues(counts, 2)).toEqual([
    { value: 1.000001, count: 3 },
    { value: 1.000002, count: 1 },
  ]);
});

test('chunks keep order and lose nothing', () => {
  expect(chunksOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
  expect(chunksOf([], 2)).toEqual([]);
});
