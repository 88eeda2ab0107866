import type { PrefixBudget } from './prefix-budget.ts';

/** What a request that is in flight holds in an index. */
export interface PrefixHold {
  readonly chain: readonly number[];
  readonly restBlocks: number;
  /** The index has been emptied since when its own differs. */
  readonly epoch: number;
}

/**
 * Which prompt prefixes one engine probably holds in its KV cache: the block hashes of what was sent there, least
 * recently used first out, bounded by the size of the engine's cache. Forgotten as a whole with its worker.
 *
 * As in the engine, what a request in flight uses stays, and counts as used when the request ends; and what no hash
 * stands for takes room too: the prompt's end behind its last full block, and the answer.
 *
 * Invariant: a block that is held was used no later than every block before it in its prompts, so the deepest blocks
 * leave first and what is held of any chain is a leading part of it. That makes a match a binary search, which keeps a
 * look-up over a thousand workers cheap without a second, inverted structure.
 */
export class PrefixIndex {
  /** Hash to the time of its last use, on the budget's counter. Insertion order is recency. Rests have negative keys. */
  readonly #lastUse = new Map<number, number>();
  /** How many requests in flight use a block. */
  readonly #pins = new Map<number, number>();
  /** Size of each rest in `#lastUse`, in blocks. */
  readonly #rests = new Map<number, number>();
  #lastRest = 0;
  /** What rests take, those of requests in flight included. */
  #restBlocks = 0;
  #epoch = 0;
  readonly #budget: PrefixBudget;
  #capacityBlocks: number;

  /** @param capacityBlocks most blocks to remember for this worker, at least 1 */
  constructor(capacityBlocks: number, budget: PrefixBudget) {
    this.#capacityBlocks = capacityBlocks;
    this.#budget = budget;
    budget.join(this);
  }

  /** Entries in memory. */
  get size(): number {
    return this.#lastUse.size;
  }

  /** When the entry that would be evicted next was last used, on the budget's counter; undefined when empty. */
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

  /**
   * Notes that the engine is about to hold the whole chain.
   * @param restBlocks room in blocks, with fractions, that the request takes beside its chain
   * @returns what `release` must be given when the request ends
   */
  hold(chain: readonly number[], restBlocks: number): PrefixHold {
    const before = this.#lastUse.size;
    const now = this.#budget.nextUse();
    // From the end, so that the first block is the most recent.
    for (let i = Math.min(chain.length, this.#capacityBlocks) - 1; i >= 0; i--) {
      // What is in use cannot leave, so its place among the recent is settled when it is released.
      if (!this.#lastUse.has(chain[i]!)) this.#lastUse.set(chain[i]!, now);
      this.#pins.set(chain[i]!, (this.#pins.get(chain[i]!) ?? 0) + 1);
    }
    this.#restBlocks += restBlocks;
    this.#fit(before);
    return { chain, restBlocks, epoch: this.#epoch };
  }

  /** The request has ended: what it used is cached until the room is needed. */
  release({ chain, restBlocks, epoch }: PrefixHold): void {
    if (epoch !== this.#epoch) return;
    const before = this.#lastUse.size;
    const now = this.#budget.nextUse();
    if (restBlocks > 0) {
      const rest = --this.#lastRest;
      this.#lastUse.set(rest, now);
      this.#rests.set(rest, restBlocks);
    }
    for (let i = chain.length - 1; i >= 0; i--) {
      const pins = this.#pins.get(chain[i]!);
      if (pins === undefined) continue;
      if (pins > 1) this.#pins.set(chain[i]!, pins - 1);
      else this.#pins.delete(chain[i]!);
      this.#touch(chain[i]!, now);
    }
    this.#fit(before);
  }

  resize(capacityBlocks: number): void {
    this.#capacityBlocks = capacityBlocks;
    this.#fit(this.#lastUse.size);
  }

  clear(): void {
    this.#budget.changed(-this.#lastUse.size);
    this.#forget();
  }

  /** The worker is gone: its blocks no longer count anywhere. */
  close(): void {
    this.clear();
    this.#budget.leave(this);
  }

  /**
   * For the budget: forgets up to `entries` of the least recent, or everything when all of it is in use, and says how
   * many it forgot.
   */
  evict(entries: number): number {
    const before = this.#lastUse.size;
    for (let left = entries; left > 0 && this.#lastUse.size > this.#pins.size; left--) this.#dropOldest();
    if (this.#lastUse.size === before) this.#forget();
    return before - this.#lastUse.size;
  }

  #touch(block: number, now: number): void {
    this.#lastUse.delete(block);
    this.#lastUse.set(block, now);
  }

  #forget(): void {
    this.#lastUse.clear();
    this.#pins.clear();
    this.#rests.clear();
    this.#restBlocks = 0;
    this.#epoch++;
  }

  /** Drops what is beyond the capacity and not in use. @param before size that the budget knows */
  #fit(before: number): void {
    const isTooFull = () => this.#lastUse.size - this.#rests.size + this.#restBlocks > this.#capacityBlocks;
    while (isTooFull() && this.#lastUse.size > this.#pins.size) this.#dropOldest();
    this.#budget.changed(this.#lastUse.size - before);
  }

  /** Drops the least recent entry that is not in use; there must be one. */
  #dropOldest(): void {
    for (const entry of this.#lastUse.keys()) {
      if (!this.#pins.has(entry)) {
        this.#lastUse.delete(entry);
        this.#restBlocks -= this.#rests.get(entry) ?? 0;
        this.#rests.delete(entry);
        return;
      }
      // Out of the way of the next search: it becomes the most recent anyway when its request ends.
      this.#touch(entry, this.#budget.nextUse());
    }
  }
}
