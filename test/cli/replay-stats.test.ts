import fc from 'fast-check';
import { distributionOf, nearestRank } from '../../runtime/cli/replay/stats.ts';

const sample = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 300 });
const ascending = (values: readonly number[]) => Float64Array.from(values).sort();

test('a percentile is the smallest measured value that enough of the sample does not exceed', () => {
  fc.assert(
    fc.property(sample, fc.integer({ min: 1, max: 100 }), (values, percent) => {
      const value = nearestRank(ascending(values), percent)!;
      const enough = (limit: number) => values.filter((one) => one <= limit).length * 100 >= percent * values.length;
      expect(values).toContain(value);
      expect(enough(value)).toBe(true);
      expect(values.filter((one) => one < value).some(enough)).toBe(false);
    }),
  );
});

test('known ranks: p99 of a hundred values is the 99th, of ten the largest', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  expect([50, 90, 99, 100].map((percent) => nearestRank(hundred, percent))).toEqual([50, 90, 99, 100]);
  expect(nearestRank(hundred.slice(0, 10), 99)).toBe(10);
  expect(nearestRank([7], 1)).toBe(7);
});

test('a distribution does not depend on the order and scales with its factor', () => {
  fc.assert(
    fc.property(sample, (values) => {
      const result = distributionOf(values, 2);
      expect(distributionOf(values.toReversed(), 2)).toMatchObject({
        p50: result.p50,
        p99: result.p99,
        max: result.max,
      });
      expect(result).toMatchObject({ count: values.length, max: ascending(values).at(-1)! * 2 });
      expect(result.p50! <= result.p90! && result.p90! <= result.p99! && result.p99! <= result.max!).toBe(true);
    }),
  );
});

test('an empty sample has no figures, not zeros', () => {
  expect(distributionOf([])).toEqual({ count: 0, mean: null, p50: null, p90: null, p99: null, max: null });
});
