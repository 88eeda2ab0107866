import { type RequestState, tokensToFill } from './request-state.ts';

/** The waiting queue: first come first served, at most `maxRequests` long. Taking one out of the middle is O(1). */
export class RequestQueue {
  readonly #requests = new Set<RequestState>();
  readonly #maxRequests: number;
  #tokens = 0;

  /** @param maxRequests undefined is unbounded */
  constructor(maxRequests: number | undefined) {
    this.#maxRequests = maxRequests ?? Number.POSITIVE_INFINITY;
  }

  get size(): number {
    return this.#requests.size;
  }

  /** Tokens to prefill over all waiting requests, not counting on the cache. */
  get tokens(): number {
    return this.#tokens;
  }

  /** In order of arrival; the one that is being looked at may be removed. */
  [Symbol.iterator](): Iterator<RequestState> {
    return this.#requests.values();
  }

  /** Puts a request at the end; false when the queue is full. */
  offer(request: RequestState): boolean {
    if (this.#requests.size >= this.#maxRequests) return false;
    this.#requests.add(request);
    this.#tokens += tokensToFill(request);
    return true;
  }

  remove(request: RequestState): void {
    if (this.#requests.delete(request)) this.#tokens -= tokensToFill(request);
  }
}
