import type { KeyMeter } from './key-meter.ts';

/**
 * Chooses a worker among those for which `hasRoom` is true, undefined when there is none; called when the request's turn
 * has come, so that the choice is made on what is known then. It must not wait, and may throw a CodedError.
 */
export type Place<W> = (hasRoom: (worker: W) => boolean) => W | undefined;

/** A request that has to wait for its slot. */
export interface Waiting<W> {
  /** Rejects with QUEUE_TIMEOUT, with what `place` threw, or with an AbortError after `cancel`. */
  readonly granted: Promise<Slot<W>>;
  /** The client left: takes the request out of the queue. Nothing happens when it has its slot already. */
  cancel(): void;
}

export interface SlotOwner<W> {
  leave(slot: Slot<W>, uncachedTokens: number): void;
  move(slot: Slot<W>, place: Place<W>): Slot<W> | Waiting<W>;
}

/** The right to run one request. Its holder calls `leave` exactly where the request ends, in a `finally`. */
export class Slot<W> {
  readonly #owner: SlotOwner<W>;
  /** The key whose limits the request counts against. */
  readonly meter: KeyMeter | undefined;
  /** Uncached tokens reserved of the key's limit. */
  readonly reserved: number;
  /** The worker that `place` chose and whose cap the request counts against. Set by the owner. */
  worker: W | undefined = undefined;
  /** How long the request waited in the queue. Set by the owner. */
  waitedMs = 0;
  #hasLeft = false;

  constructor(owner: SlotOwner<W>, meter: KeyMeter | undefined, reserved: number) {
    this.#owner = owner;
    this.meter = meter;
    this.reserved = reserved;
  }

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /**
   * Frees the slot; the first waiter gets it before any newcomer. Calls after the first do nothing.
   * @param uncachedTokens what the request really made engines prefill; default: what was reserved
   */
  leave(uncachedTokens: number = this.reserved): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#owner.leave(this, uncachedTokens);
  }

  /**
   * Gives up the worker and asks for another one, for a retry: ahead of every request that has not run yet, beyond no
   * cap. The slot itself is kept, also when the wait is refused; `leave` still ends it.
   */
  move(place: Place<W>): Slot<W> | Waiting<W> {
    return this.#owner.move(this, place);
  }
}
