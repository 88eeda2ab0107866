import { routerError } from '../errors.ts';
import type { Closable } from '../front/closable.ts';
import type { HeldRequests } from '../scaling/group-scaling.ts';
import { usualRetrySeconds } from '../scaling/retry-after.ts';
import { HoldTally } from './hold-tally.ts';

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
  readonly #retryAfterSeconds: (group: number) => number;
  readonly #tallies: readonly HoldTally[];
  readonly #waiting = new Set<(end: HoldEnd) => void>();
  #bytes = 0;
  #isClosed = false;

  /**
   * @param groupCount worker groups, by whose place requests are told apart
   * @param retryAfterSeconds when a client that finds no room should come back
   */
  constructor(
    source: ReadySource,
    limits: HoldLimits,
    groupCount = 1,
    retryAfterSeconds: (group: number) => number = () => usualRetrySeconds,
  ) {
    this.#limits = limits;
    this.#tallies = Array.from({ length: groupCount }, () => new HoldTally());
    this.#retryAfterSeconds = retryAfterSeconds;
    source.on('ready', () => this.#release('ready'));
  }

  /** Requests that wait now. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Those of them, and of those before, that the group at this place would answer. */
  of(group: number): HeldRequests {
    return this.#tallies[group]!;
  }

  /**
   * Waits for a worker, at most `timeoutMs`. Throws HOLD_FULL at once when the limits are reached.
   * @param bytes size of the request's body, which stays in memory meanwhile
   * @param group place of the worker group that would answer it
   */
  async wait(response: Closable, bytes: number, timeoutMs: number, group = 0): Promise<HoldEnd> {
    if (this.#isClosed || timeoutMs <= 0) return 'late';
    if (this.#waiting.size >= this.#limits.maxRequests || this.#bytes + bytes > this.#limits.maxBytes) {
      const retryAfterSeconds = this.#retryAfterSeconds(group);
      throw routerError('HOLD_FULL', { held: this.#waiting.size, retryAfterSeconds }, { retryAfterSeconds });
    }
    const { promise, resolve } = Promise.withResolvers<HoldEnd>();
    const timer = setTimeout(() => resolve('late'), timeoutMs);
    const onClose = () => resolve('gone');
    response.once('close', onClose);
    const tally = this.#tallies[group]!;
    this.#waiting.add(resolve);
    tally.enter();
    this.#bytes += bytes;
    try {
      return await promise;
    } finally {
      this.#bytes -= bytes;
      this.#waiting.delete(resolve);
      tally.leave();
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
