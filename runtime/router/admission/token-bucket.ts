/** Whether `level` is enough in spite of rounding: a client that waits as long as it was told must get through. */
const tolerance = 1e-6;

/** Level of a bucket after `elapsedMs`: it fills evenly, never above its size, which is one minute's worth. */
export function levelAfter(level: number, perMinute: number, elapsedMs: number): number {
  return Math.min(perMinute, level + (perMinute * elapsedMs) / 60_000);
}

/**
 * Time until `cost` may be taken, in ms; 0 means now. A cost above the size of the bucket needs a full one and leaves a
 * debt, so that a limit below the size of one request slows such requests down instead of refusing them for ever.
 */
export function msUntil(level: number, perMinute: number, cost: number): number {
  const missing = Math.min(cost, perMinute) - level;
  return missing <= tolerance ? 0 : (missing / perMinute) * 60_000;
}

/** A limit per minute. Starts full: a client that was silent for a minute may use a minute's worth at once. */
export class TokenBucket {
  #perMinute: number;
  #level: number;
  #atMs: number;

  /** @param perMinute size of the bucket, above 0 */
  constructor(perMinute: number, nowMs: number) {
    this.#perMinute = perMinute;
    this.#level = perMinute;
    this.#atMs = nowMs;
  }

  get perMinute(): number {
    return this.#perMinute;
  }

  /** What is left now; below 0 is a debt that later requests wait for. */
  level(nowMs: number): number {
    this.#level = levelAfter(this.#level, this.#perMinute, nowMs - this.#atMs);
    this.#atMs = nowMs;
    return this.#level;
  }

  msUntil(cost: number, nowMs: number): number {
    return msUntil(this.level(nowMs), this.#perMinute, cost);
  }

  msUntilFull(nowMs: number): number {
    return this.msUntil(this.#perMinute, nowMs);
  }

  /** Takes `cost` whether it is there or not; a negative cost gives back. */
  take(cost: number, nowMs: number): void {
    this.#level = Math.min(this.#perMinute, this.level(nowMs) - cost);
  }

  /** The limit was changed; what was used so far stays used. */
  resize(perMinute: number, nowMs: number): void {
    const used = this.#perMinute - this.level(nowMs);
    this.#perMinute = perMinute;
    this.#level = perMinute - used;
  }
}
