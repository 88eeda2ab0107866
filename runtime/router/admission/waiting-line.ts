import type { Place, Slot } from './slot.ts';

/** A request that waits; see Waiting for what its owner sees of it. */
export class Waiter<W> {
  readonly slot: Slot<W>;
  readonly place: Place<W> | undefined;
  /** Requests of one group take the same workers: when one finds no room, the others need not look. */
  readonly group: string;
  readonly bytes: number;
  readonly sinceMs: number;
  readonly granted: Promise<Slot<W>>;
  readonly grant: (slot: Slot<W>) => void;
  readonly refuse: (error: unknown) => void;
  line: WaitingLine<W> | undefined;
  next: Waiter<W> | undefined;
  previous: Waiter<W> | undefined;

  constructor(slot: Slot<W>, place: Place<W> | undefined, group: string, bytes: number, sinceMs: number) {
    this.slot = slot;
    this.place = place;
    this.group = group;
    this.bytes = bytes;
    this.sinceMs = sinceMs;
    const { promise, resolve, reject } = Promise.withResolvers<Slot<W>>();
    this.granted = promise;
    this.grant = resolve;
    this.refuse = reject;
  }
}

/** Waiters in the order of their coming. Any of them can leave in constant time. */
export class WaitingLine<W> {
  #first: Waiter<W> | undefined;
  #last: Waiter<W> | undefined;
  #count = 0;
  #bytes = 0;
  readonly #countByGroup = new Map<string, number>();

  get first(): Waiter<W> | undefined {
    return this.#first;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  holdsGroup(group: string): boolean {
    return this.#countByGroup.has(group);
  }

  push(waiter: Waiter<W>): void {
    waiter.line = this;
    waiter.previous = this.#last;
    if (this.#last) this.#last.next = waiter;
    else this.#first = waiter;
    this.#last = waiter;
    this.#count++;
    this.#bytes += waiter.bytes;
    this.#countByGroup.set(waiter.group, (this.#countByGroup.get(waiter.group) ?? 0) + 1);
  }

  /** The waiter's own `next` stays, so that a walk along the line can go on from it. */
  remove(waiter: Waiter<W>): void {
    if (waiter.previous) waiter.previous.next = waiter.next;
    else this.#first = waiter.next;
    if (waiter.next) waiter.next.previous = waiter.previous;
    else this.#last = waiter.previous;
    waiter.line = undefined;
    this.#count--;
    this.#bytes -= waiter.bytes;
    const left = this.#countByGroup.get(waiter.group)! - 1;
    if (left > 0) this.#countByGroup.set(waiter.group, left);
    else this.#countByGroup.delete(waiter.group);
  }
}
