/**
 * Which prompt prefixes one engine probably holds in its KV cache: the block hashes of what was sent there, least
 * recently used first out, bounded by the size of the engine's cache. Forgotten as a whole with its worker.
 */
export class PrefixIndex {
  /** Insertion order is recency: a touched hash is deleted and set again. */
  readonly #blocks = new Set<number>();
  #capacityBlocks: number;

  /** @param capacityBlocks most hashes to remember, at least 1 */
  constructor(capacityBlocks: number) {
    this.#capacityBlocks = capacityBlocks;
  }

  get size(): number {
    return this.#blocks.size;
  }

  /** Number of leading blocks of `chain` that the engine probably holds. */
  matchedBlocks(chain: readonly number[]): number {
    let matched = 0;
    while (matched < chain.length && this.#blocks.has(chain[matched]!)) matched++;
    return matched;
  }

  /** Notes that the engine is about to hold the whole chain. Deeper blocks are the first to go, as in a radix cache. */
  insert(chain: readonly number[]): void {
    for (let i = chain.length - 1; i >= 0; i--) {
      this.#blocks.delete(chain[i]!);
      this.#blocks.add(chain[i]!);
    }
    this.#evict();
  }

  resize(capacityBlocks: number): void {
    this.#capacityBlocks = capacityBlocks;
    this.#evict();
  }

  clear(): void {
    this.#blocks.clear();
  }

  #evict(): void {
    for (const oldest of this.#blocks) {
      if (this.#blocks.size <= this.#capacityBlocks) return;
      this.#blocks.delete(oldest);
    }
  }
}
