import { fail } from '../errors.ts';

/** Request ids that the server has not answered yet: what it refuses as duplicates, aborts by id and waits for at a drain. */
export class InFlightRequests {
  readonly #abortByRid = new Map<string, () => void>();

  get size(): number {
    return this.#abortByRid.size;
  }

  get rids(): string[] {
    return [...this.#abortByRid.keys()];
  }

  /** Throws DUPLICATE_RID, and then adds none of them. */
  add(entries: readonly { rid: string; abort: () => void }[]): void {
    const seen = new Set<string>();
    for (const { rid } of entries) {
      if (this.#abortByRid.has(rid) || seen.has(rid)) throw fail('DUPLICATE_RID', { rid });
      seen.add(rid);
    }
    for (const { rid, abort } of entries) this.#abortByRid.set(rid, abort);
  }

  remove(rid: string): void {
    this.#abortByRid.delete(rid);
  }

  /**
   * Aborts the request with this id and all whose id starts with it. As SGLang 0.5.23 with one tokenizer worker, an id
   * that is not itself in flight aborts nothing, and neither does an empty one.
   */
  abort(rid: string): void {
    if (rid === '' || !this.#abortByRid.has(rid)) return;
    for (const [other, abort] of [...this.#abortByRid]) {
      if (other.startsWith(rid)) abort();
    }
  }

  abortAll(): void {
    for (const abort of [...this.#abortByRid.values()]) abort();
  }
}
