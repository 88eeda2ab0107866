import type { KvPool } from './kv-pool.ts';
import { maxReservedNewTokens } from './new-token-ratio.ts';
import { attendedTokens } from './pass-timing.ts';
import { type RequestState, tokensLeftToFill } from './request-state.ts';

/** `no-memory` lasts until a running request leaves; `pass-full` until the next pass. */
export type AddOutcome = 'added' | 'no-memory' | 'pass-full';

/**
 * Fills one prefill pass, as SGLang's `PrefillAdder` does. A new request must fit with all the tokens that it may
 * generate; for those that run already only a share of what they may still generate is kept back (`newTokenRatio`).
 */
export class PrefillAdder {
  readonly requests: RequestState[] = [];
  newTokens = 0;
  cachedTokens = 0;
  /** Sum over the new tokens of the tokens before each one: what attention costs. */
  attendedTokens = 0;
  /** The request whose prompt goes on in the next pass. */
  chunked: RequestState | undefined;
  readonly #pool: KvPool;
  readonly #passTokens: number;
  #reservedTokens: number;

  /** @param passTokens prompt tokens of one pass at most */
  constructor(pool: KvPool, passTokens: number, running: readonly RequestState[], newTokenRatio: number) {
    this.#pool = pool;
    this.#passTokens = passTokens;
    this.#reservedTokens = 0;
    for (const request of running) this.#reservedTokens += reservedNewTokens(request) * newTokenRatio;
  }

  /** Goes on with the prompt that the previous pass left unfinished; its memory was promised when it was admitted. */
  addChunked(request: RequestState): void {
    this.#fill(request);
  }

  add(request: RequestState): AddOutcome {
    if (this.newTokens >= this.#passTokens) return 'pass-full';
    const cached = this.#pool.attachPrefix(request);
    const wanted = tokensLeftToFill(request) + reservedNewTokens(request) + roundingTokens;
    if (wanted >= this.#pool.availableTokens - this.#reservedTokens) {
      this.#pool.release(request);
      return 'no-memory';
    }
    if (request.retractions === 0) request.cachedTokens = cached;
    this.cachedTokens += cached;
    this.#fill(request);
    return 'added';
  }

  /** Takes as much of the request as the pass has room for. */
  #fill(request: RequestState): void {
    const left = tokensLeftToFill(request);
    const taken = Math.min(left, this.#passTokens - this.newTokens);
    const from = request.kvTokens;
    this.#pool.allocate(request, taken);
    this.attendedTokens += attendedTokens(from, from + taken);
    request.phase = 'prefilling';
    this.newTokens += taken;
    this.requests.push(request);
    if (taken < left) this.chunked = request;
    else this.#reservedTokens += reservedNewTokens(request) + roundingTokens;
  }
}

/** SGLang keeps back one page per request, which its default makes one token. */
const roundingTokens = 1;

function reservedNewTokens(request: RequestState): number {
  return Math.min(request.maxNewTokens - request.generatedTokens, maxReservedNewTokens);
}
