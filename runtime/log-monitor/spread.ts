/** Smallest, largest and mean of a window's values. */
export interface Spread {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
}

/** Null when there are no values. */
export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  let [min, max, sum] = [Infinity, -Infinity, 0];
  for (const value of values) {
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
  }
  return { count: values.length, min, max, mean: round(sum / values.length) };
}

/** Null when there are no values: no report is not the same as a report of 0. */
export function sumOrNull(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
}

/** To four decimals, which is finer than anything that the engine prints. */
export function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
