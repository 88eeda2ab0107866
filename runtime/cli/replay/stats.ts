/** A sample in six numbers, in the sample's own unit; all null when it is empty. */
export interface Distribution {
  readonly count: number;
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/**
 * The nearest-rank percentile: the smallest value of the sample that at least `percent` of 100 of it do not exceed.
 * Exact, always a value that was measured, never an interpolation. Undefined for an empty sample.
 * @param sorted ascending
 * @param percent above 0, at most 100
 */
export function nearestRank(sorted: ArrayLike<number>, percent: number): number | undefined {
  // The product comes first: 99 / 100 * 100 is above 99 in binary and would take the next rank.
  const rank = Math.ceil((percent * sorted.length) / 100);
  return sorted[Math.max(rank, 1) - 1];
}

/** Summarises values, each multiplied by `factor`. */
export function distributionOf(values: Iterable<number>, factor = 1): Distribution {
  const sorted = Float64Array.from(values).sort();
  const scaled = (value: number | undefined) => (value === undefined ? null : value * factor);
  const sum = sorted.reduce((total, value) => total + value, 0);
  return {
    count: sorted.length,
    mean: sorted.length === 0 ? null : (sum / sorted.length) * factor,
    p50: scaled(nearestRank(sorted, 50)),
    p90: scaled(nearestRank(sorted, 90)),
    p99: scaled(nearestRank(sorted, 99)),
    max: scaled(sorted.at(-1)),
  };
}
