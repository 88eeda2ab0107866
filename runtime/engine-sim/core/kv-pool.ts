import { RadixTree } from './radix-tree.ts';
import { type RequestState, tokensToFill } from './request-state.ts';

/**
 * The KV pool. Every entry is free, in the prefix cache, or a request's own; cached ones that no request pins can be
 * evicted. Whoever allocates must know that it fits (see `availableTokens`).
 */
export class KvPool {
  readonly maxTokens: number;
  readonly #blockTokens: number;
  readonly #cache = new RadixTree();
  #ownTokens = 0;

  /** @param blockTokens requests reuse whole blocks of this size */
  constructor(maxTokens: number, blockTokens: number) {
    this.maxTokens = maxTokens;
    this.#blockTokens = blockTokens;
  }

  get freeTokens(): number {
    return this.maxTokens - this.#cache.totalTokens - this.#ownTokens;
  }

  get evictableTokens(): number {
    return this.#cache.evictableTokens;
  }

  /** What can be allocated, evicting if need be. */
  get availableTokens(): number {
    return this.freeTokens + this.evictableTokens;
  }

  /** What requests in flight hold, shared prefixes counted once. */
  get usedTokens(): number {
    return this.maxTokens - this.availableTokens;
  }

  /** Share of the pool that requests in flight hold, 0 to 1: SGLang's `token usage`. */
  get usage(): number {
    return this.usedTokens / this.maxTokens;
  }

  /** Tokens of the cached prefix that a prefill of these tokens could skip: whole blocks, and at least one is left to compute. */
  reusableTokens(tokens: ArrayLike<number>, length: number): number {
    return this.#wholeBlocks(this.#cache.matchedTokens(tokens, length - 1));
  }

  /** Gives a request its cached prefix and pins it. Returns the prefix's tokens. */
  attachPrefix(request: RequestState): number {
    const cached = this.reusableTokens(request.tokens, tokensToFill(request));
    request.prefix = this.#cache.pinPath(request.tokens, cached);
    request.kvTokens = cached;
    request.computedTokens = cached;
    return cached;
  }

  /** Gives a request `count` entries of its own. Throws when the pool cannot hold them: the scheduler promised that it can. */
  allocate(request: RequestState, count: number): void {
    this.makeRoom(count);
    if (this.freeTokens < count) throw new Error(`KV pool: ${count} tokens wanted, ${this.freeTokens} free`);
    this.#ownTokens += count;
    request.kvTokens += count;
  }

  /** Evicts until `count` entries are free or nothing can be evicted. */
  makeRoom(count: number): void {
    const missing = count - this.freeTokens;
    if (missing > 0) this.#cache.evict(missing);
  }

  /** Moves the whole blocks that a request has computed into the cache, where they stay pinned; doubles are freed. */
  shareComputed(request: RequestState): void {
    const before = request.prefix;
    if (!before) return;
    const length = this.#wholeBlocks(request.computedTokens);
    if (length <= before.depthTokens) return;
    this.#ownTokens -= length - before.depthTokens;
    request.prefix = this.#cache.extendPin(before, request.tokens, length);
  }

  /** Takes back all that a request holds. What it computed stays in the cache as far as it was shared. */
  release(request: RequestState): void {
    const { prefix } = request;
    if (!prefix) return;
    this.#ownTokens -= request.kvTokens - prefix.depthTokens;
    this.#cache.unpin(prefix);
    request.prefix = undefined;
    request.kvTokens = 0;
    request.computedTokens = 0;
  }

  /** Forgets the cache. No request may hold anything. */
  clear(): void {
    this.#cache.clear();
  }

  #wholeBlocks(tokens: number): number {
    return tokens - (tokens % this.#blockTokens);
  }
}
