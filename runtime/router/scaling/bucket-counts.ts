/** A fixed number of buckets, each with the value that it stands for. CloudWatch takes distributions as values with counts. */
export interface Buckets {
  readonly size: number;
  indexOf(value: number): number;
  /** What a value in this bucket is reported as. */
  valueOf(index: number): number;
}

/** Values with how often each was seen; both of the same length, at least 1. */
export interface Distribution {
  readonly values: readonly number[];
  readonly counts: readonly number[];
}

/**
 * Buckets of equal ratio, so that the error is the same share of every value: at most half a step. The first bucket holds
 * what is below `min` and stands for 0; the last one also holds what is above `max`.
 * @param steps buckets between `min` and `max`
 */
export function geometricBuckets(min: number, max: number, steps: number): Buckets {
  const stepsPerE = steps / Math.log(max / min);
  return {
    size: steps + 1,
    indexOf: (value) => (value < min ? 0 : Math.min(steps, 1 + Math.floor(Math.log(value / min) * stepsPerE))),
    valueOf: (index) => (index === 0 ? 0 : Number((min * Math.exp((index - 0.5) / stepsPerE)).toPrecision(4))),
  };
}

/** The values 0, `max` / `steps`, ... `max`; each value counts as the nearest of them. */
export function linearBuckets(max: number, steps: number): Buckets {
  return {
    size: steps + 1,
    indexOf: (value) => Math.min(steps, Math.max(0, Math.round((value * steps) / max))),
    valueOf: (index) => Number(((index * max) / steps).toPrecision(3)),
  };
}

/** Counts values in fixed memory: adding one costs no garbage. */
export class BucketCounts {
  readonly #buckets: Buckets;
  readonly #counts: Float64Array;

  constructor(buckets: Buckets) {
    this.#buckets = buckets;
    this.#counts = new Float64Array(buckets.size);
  }

  add(value: number): void {
    this.#counts[this.#buckets.indexOf(value)]! += 1;
  }

  /** What was added since the last call, smallest value first; undefined when nothing was. */
  take(): Distribution | undefined {
    const values: number[] = [];
    const counts: number[] = [];
    this.#counts.forEach((count, index) => {
      if (count === 0) return;
      values.push(this.#buckets.valueOf(index));
      counts.push(count);
    });
    this.#counts.fill(0);
    return values.length === 0 ? undefined : { values, counts };
  }
}
