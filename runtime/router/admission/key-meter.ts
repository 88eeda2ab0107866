import { TokenBucket } from './token-bucket.ts';

/** What one API key may use; an absent limit is none. */
export interface KeyLimits {
  /** Requests at the same time, waiting ones included. */
  readonly concurrentRequests?: number;
  readonly requestsPerMinute?: number;
  /** Prompt tokens that engines had to prefill: a prompt that is cached costs next to nothing, so it counts as nothing. */
  readonly uncachedTokensPerMinute?: number;
}

export const noLimits: KeyLimits = Object.freeze({});

export type LimitName = 'concurrent requests' | 'requests per minute' | 'uncached tokens per minute';

/** Why a key may not start another request now. */
export interface Refusal {
  readonly limit: LimitName;
  readonly allowed: number;
  /** When it is worth trying again; undefined where only the end of another request helps. */
  readonly retryAfterMs: number | undefined;
}

export function hasLimits(limits: KeyLimits): boolean {
  return (
    limits.concurrentRequests !== undefined ||
    limits.requestsPerMinute !== undefined ||
    limits.uncachedTokensPerMinute !== undefined
  );
}

/** What one key uses of its limits. */
export class KeyMeter {
  #limits: KeyLimits = noLimits;
  #open = 0;
  #requests: TokenBucket | undefined;
  #tokens: TokenBucket | undefined;

  /** Requests that began and have not ended, waiting ones included. */
  get open(): number {
    return this.#open;
  }

  get limits(): KeyLimits {
    return this.#limits;
  }

  get requests(): TokenBucket | undefined {
    return this.#requests;
  }

  get tokens(): TokenBucket | undefined {
    return this.#tokens;
  }

  /** Takes over limits that were changed; what was used under the former ones stays used. */
  follow(limits: KeyLimits, nowMs: number): void {
    if (limits === this.#limits) return;
    this.#limits = limits;
    this.#requests = followed(this.#requests, limits.requestsPerMinute, nowMs);
    this.#tokens = followed(this.#tokens, limits.uncachedTokensPerMinute, nowMs);
  }

  /** The limit that stands in the way of one more request, the one with the longest wait; undefined when none does. */
  refusal(uncachedTokens: number, nowMs: number): Refusal | undefined {
    const requestsMs = this.#requests?.msUntil(1, nowMs) ?? 0;
    const tokensMs = this.#tokens?.msUntil(uncachedTokens, nowMs) ?? 0;
    if (tokensMs > requestsMs) {
      return { limit: 'uncached tokens per minute', allowed: this.#tokens!.perMinute, retryAfterMs: tokensMs };
    }
    if (requestsMs > 0) {
      return { limit: 'requests per minute', allowed: this.#requests!.perMinute, retryAfterMs: requestsMs };
    }
    const { concurrentRequests } = this.#limits;
    if (concurrentRequests === undefined || this.#open < concurrentRequests) return undefined;
    return { limit: 'concurrent requests', allowed: concurrentRequests, retryAfterMs: undefined };
  }

  /** A request begins; `uncachedTokens` are reserved until its end tells the real number. */
  begin(uncachedTokens: number, nowMs: number): void {
    this.#open++;
    this.#requests?.take(1, nowMs);
    this.#tokens?.take(uncachedTokens, nowMs);
  }

  /** A request ended that had reserved `reserved` tokens and used `actual`. */
  end(reserved: number, actual: number, nowMs: number): void {
    this.#open--;
    if (actual !== reserved) this.#tokens?.take(actual - reserved, nowMs);
  }

  /** A request ended that never ran: it counts as if it had not come. */
  undo(reserved: number, nowMs: number): void {
    this.#open--;
    this.#requests?.take(-1, nowMs);
    this.#tokens?.take(-reserved, nowMs);
  }
}

function followed(bucket: TokenBucket | undefined, perMinute: number | undefined, nowMs: number) {
  if (perMinute === undefined) return undefined;
  if (bucket === undefined) return new TokenBucket(perMinute, nowMs);
  if (bucket.perMinute !== perMinute) bucket.resize(perMinute, nowMs);
  return bucket;
}
