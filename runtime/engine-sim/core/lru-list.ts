/** A member of an `LruList`; the links belong to the list. */
export interface LruEntry<Entry> {
  older: Entry | undefined;
  newer: Entry | undefined;
}

/** Intrusive doubly linked list in order of use: every operation is O(1) and allocates nothing. */
export class LruList<Entry extends LruEntry<Entry>> {
  oldest: Entry | undefined;
  #newest: Entry | undefined;

  /** Adds an entry that is in no list as the most recently used one. */
  append(entry: Entry): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest) this.#newest.newer = entry;
    else this.oldest = entry;
    this.#newest = entry;
  }

  /** Adds an entry that is in no list as just a little more recently used than `neighbour`, which is in this one. */
  insertAfter(neighbour: Entry, entry: Entry): void {
    const { newer } = neighbour;
    if (!newer) {
      this.append(entry);
      return;
    }
    entry.older = neighbour;
    entry.newer = newer;
    neighbour.newer = entry;
    newer.older = entry;
  }

  /** Takes out an entry that is in this list. */
  remove(entry: Entry): void {
    if (entry.older) entry.older.newer = entry.newer;
    else this.oldest = entry.newer;
    if (entry.newer) entry.newer.older = entry.older;
    else this.#newest = entry.older;
    entry.older = undefined;
    entry.newer = undefined;
  }

  clear(): void {
    this.oldest = undefined;
    this.#newest = undefined;
  }
}
