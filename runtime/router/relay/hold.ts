import { routerError } from '../errors.ts';
import type { Closable } from '../front/closable.ts';
import { usualRetrySeconds } from '../scaling/retry-after.ts';

export interface HoldLimits {
  readonly maxRequests: number;
  /** Over the bodies of all held requests. */
  readonly maxBytes: number;
}

/** Tells when requests may be sent: when a worker becomes ready, or what stands in front of the workers. */
export interface ReadySource {
  on(event: 'ready', listener: () => void): unknown;
}

/** `ready`: try again. `late`: the time is over, or no worker will come any more. `gone`: the client left. */
export type HoldEnd = 'ready' | 'late' | 'gone';

/** Requests that wait because no worker may take them; all are let go as soon as one may. */
export class Hold {
  readonly #limits: HoldLimits;
  readonly #retryAfterSeconds: () => number;
  readonly #waiting = new Set<(end: HoldEnd) => void>();
  #bytes = 0;
  #entered = 0;
  #peak = 0;
  #isClosed = false;

  /** @param retryAfterSeconds when a client that finds no room should come back */
  constructor(source: ReadySource, limits: HoldLimits, retryAfterSeconds = () => usualRetrySeconds) {
    this.#limits = limits;
    this.#retryAfterSeconds = retryAfterSeconds;
    source.on('ready', () => this.#release('ready'));
  }

  /** Requests that wait now. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Requests that began to wait so far. */
  get entered(): number {
    return this.#entered;
  }

  /** Most requests that waited at one time since the last call. */
  takePeak(): number {
    const peak = this.#peak;
    this.#peak = this.size;
    return peak;
  }

  /**
   * Waits for a worker, at most `timeoutMs`. Throws HOLD_FULL at once when the limits are reached.
   * @param bytes size of the request's body, which stays in memory meanwhile
   */
  async wait(response: Closable, bytes: number, timeoutMs: number): Promise<HoldEnd> {
    if (this.#isClosed || timeoutMs <= 0) return 'late';
    if (this.#waiting.size >= this.#limits.maxRequests || this.#bytes + bytes > this.#limits.maxBytes) {
      const retryAfterSeconds = this.#retryAfterSeconds();
      throw routerError('HOLD_FULL', { held: this.#waiting.size, retryAfterSeconds }, { retryAfterSeconds });
    }
    const { promise, resolve } = Promise.withResolvers<HoldEnd>();
    const timer = setTimeout(() => resolve('late'), timeoutMs);
    const onClose = () => resolve('gone');
    response.once('close', onClose);
    this.#waiting.add(resolve);
    this.#entered++;
    this.#peak = Math.max(this.#peak, this.size);
    this.#bytes += bytes;
    try {
      return await promise;
    } finally {
      this.#bytes -= bytes;
      this.#waiting.delete(resolve);
      response.off('close', onClose);
      clearTimeout(timer);
    }
  }

  /** Lets everybody go and holds nobody any more: the router is shutting down. */
  close(): void {
    this.#isClosed = true;
    this.#release('late');
  }

  #release(end: HoldEnd): void {
    for (const resolve of this.#waiting) resolve(end);
  }
}
