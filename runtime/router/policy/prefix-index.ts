import type { PrefixBudget } from './prefix-budget.ts';

/**
 * Which prompt prefixes one engine probably holds in its KV cache: the block hashes of what was sent there, least
 * recently used first out, bounded by the size of the engine's cache. Forgotten as a whole with its worker.
 *
 * Invariant: a block that is held was used no later than every block before it in its prompts, so the deepest blocks
 * leave first and what is held of any chain is a leading part of it. That makes a match a binary search, which keeps a
 * look-up over a thousand workers cheap without a second, inverted structure.
 */
export class PrefixIndex {
  /** Hash to the time of its last use, on the budget's counter. Insertion order is recency. */
  readonly #lastUse = new Map<number, number>();
  readonly #budget: PrefixBudget;
  #capacityBlocks: number;

  /** @param capacityBlocks most hashes to remember for this worker, at least 1 */
  constructor(capacityBlocks: number, budget: PrefixBudget) {
    this.#capacityBlocks = capacityBlocks;
    this.#budget = budget;
    budget.join(this);
  }

  get size(): number {
    return this.#lastUse.size;
  }

  /** When the block that would be evicted next was last used, on the budget's counter; undefined when empty. */
  get oldestUse(): number | undefined {
    return this.#lastUse.values().next().value;
  }

  /** Number of leading blocks of `chain` that the engine probably holds. */
  matchedBlocks(chain: readonly number[]): number {
    if (chain.length === 0 || !this.#lastUse.has(chain[0]!)) return 0;
    let held = 1;
    let missing = chain.length + 1;
    while (held + 1 < missing) {
      const middle = (held + missing) >>> 1;
      if (this.#lastUse.has(chain[middle - 1]!)) held = middle;
      else missing = middle;
    }
    return held;
  }

  /** Notes that the engine is about to hold the whole chain. */
  insert(chain: readonly number[]): void {
    const before = this.#lastUse.size;
    const now = this.#budget.nextUse();
    // From the end, so that the first block is the most recent.
    for (let i = Math.min(chain.length, this.#capacityBlocks) - 1; i >= 0; i--) {
      this.#lastUse.delete(chain[i]!);
      this.#lastUse.set(chain[i]!, now);
    }
    while (this.#lastUse.size > this.#capacityBlocks) this.#dropOldest();
    this.#budget.changed(this.#lastUse.size - before);
  }

  resize(capacityBlocks: number): void {
    const before = this.#lastUse.size;
    this.#capacityBlocks = capacityBlocks;
    while (this.#lastUse.size > capacityBlocks) this.#dropOldest();
    this.#budget.changed(this.#lastUse.size - before);
  }

  clear(): void {
    this.#budget.changed(-this.#lastUse.size);
    this.#lastUse.clear();
  }

  /** The worker is gone: its blocks no longer count anywhere. */
  close(): void {
    this.clear();
    this.#budget.leave(this);
  }

  /** For the budget: forgets up to `blocks` of the least recent, and says how many it forgot. */
  evict(blocks: number): number {
    const before = this.#lastUse.size;
    for (let i = 0; i < blocks && this.#lastUse.size > 0; i++) this.#dropOldest();
    return before - this.#lastUse.size;
  }

  #dropOldest(): void {
    this.#lastUse.delete(this.#lastUse.keys().next().value!);
  }
}
