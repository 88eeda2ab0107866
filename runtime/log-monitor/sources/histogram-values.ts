import type { HistogramTotals } from './engine-metrics.ts';
import type { ValueCounts } from './measurement.ts';

/** An overflow bucket has no upper end; this multiple of the last bound stands in for it. */
const overflowReach = 2;

/**
 * One value for each bucket that holds observations. All values lie at the same relative place between the ends of
 * their buckets, chosen so that the weighted mean is that of the observations: averages are exact, and percentiles are as
 * exact as the buckets are narrow.
 */
export function histogramValues({ bounds, counts, sum }: HistogramTotals): ValueCounts {
  const buckets = counts
    .map((count, i) => {
      const from = i === 0 ? 0 : bounds[i - 1]!;
      return { count, from, width: (bounds[i] ?? from * overflowReach) - from };
    })
    .filter(({ count }) => count > 0);
  const lowest = buckets.reduce((total, { count, from }) => total + count * from, 0);
  const range = buckets.reduce((total, { count, width }) => total + count * width, 0);
  // A sum that the buckets cannot have comes from an engine that counts one and not the other, or from rounding.
  const place = range === 0 ? 0 : Math.min(1, Math.max(0, (sum - lowest) / range));
  return {
    values: buckets.map(({ from, width }) => toMicroseconds(from + place * width)),
    counts: buckets.map(({ count }) => count),
  };
}

function toMicroseconds(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}
