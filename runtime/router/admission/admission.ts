import type { Clock, Timer } from '../../shared/clock.ts';
import { routerError } from '../errors.ts';
import { KeyCharge } from './key-charge.ts';
import { hasLimits, type KeyLimits, KeyMeter } from './key-meter.ts';
import { queueFull, queueTimeout, rateLimited } from './refusals.ts';
import { type Place, Slot, type SlotOwner, type Waiting } from './slot.ts';
import { Waiter, WaitingLine } from './waiting-line.ts';
import { WorkerCounts } from './worker-counts.ts';

/** Caps are counts of requests; `Infinity` is no cap. */
export interface AdmissionLimits {
  /** Requests that run at the same time, over all workers. */
  readonly maxConcurrent: number;
  /** Requests that run at the same time on one worker; holds for requests that bring a `place`. */
  readonly maxConcurrentPerWorker: number;
  /** Requests that may wait; 0 refuses what cannot run at once. */
  readonly queueRequests: number;
  /** Bytes of the bodies that may wait. */
  readonly queueBytes: number;
  readonly queueTimeoutMs: number;
}

/** A key as far as its limits go. */
export interface LimitedKey {
  readonly keyId: string;
  readonly limits: KeyLimits;
}

export interface AdmissionRequest<W> {
  /** Whose limits the request counts against; undefined for none. */
  readonly key?: LimitedKey | undefined;
  /** Size of the body. */
  readonly bytes: number;
  /** Prompt tokens that an engine will have to prefill, estimated. */
  readonly uncachedTokens: number;
  /** Requests with the same group must be able to run on the same workers: the model's name does. @default '' */
  readonly group?: string;
  /** @default - the request needs no worker of its own, only the global cap holds for it */
  readonly place?: Place<W>;
}

/**
 * Decides which requests run, which wait and which are refused. A freed place passes to the first waiter that can use it
 * at the very moment it is freed, so that no newcomer overtakes and nobody is woken in vain. Without a cap in the way
 * `enter` costs a counter and one object.
 */
export class Admission<W extends object> implements SlotOwner<W> {
  readonly #limits: AdmissionLimits;
  readonly #clock: Clock;
  readonly #meters = new Map<string, KeyMeter>();
  readonly #workers: WorkerCounts<W>;
  /** Requests that have not run yet: the queue, bounded. */
  readonly #arriving = new WaitingLine<W>();
  /** Requests that ran and need another worker. Bounded by what runs. */
  readonly #moving = new WaitingLine<W>();
  #running = 0;
  #lastWaitMs = 0;
  #timer: Timer | undefined;

  constructor(limits: AdmissionLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#workers = new WorkerCounts(limits.maxConcurrentPerWorker);
  }

  /** Requests that hold a slot. */
  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#arriving.count + this.#moving.count;
  }

  get waitingBytes(): number {
    return this.#arriving.bytes + this.#moving.bytes;
  }

  /** Now, on the clock of the limits. */
  get nowMs(): number {
    return this.#clock.now();
  }

  runningOn(worker: W): number {
    return this.#workers.of(worker);
  }

  /** What a key uses of its limits; undefined before its first request and for keys without limits. */
  meterOf(keyId: string): KeyMeter | undefined {
    return this.#meters.get(keyId);
  }

  /**
   * Asks for a slot: at once where nothing is in the way, else a place in the queue.
   * @throws CodedError RATE_LIMITED, QUEUE_FULL, or what `place` threw; nothing is counted then
   */
  enter(request: AdmissionRequest<W>): Slot<W> | Waiting<W> {
    const { key, uncachedTokens } = request;
    if (key === undefined || !hasLimits(key.limits)) return this.#enter(request, undefined);
    const nowMs = this.#clock.now();
    const meter = this.#willingMeter(key, uncachedTokens, nowMs);
    meter.begin(uncachedTokens, nowMs);
    try {
      return this.#enter(request, meter);
    } catch (error) {
      meter.undo(uncachedTokens, nowMs);
      throw error;
    }
  }

  /**
   * Counts a request against the limits of its key alone. It takes no slot and never waits.
   * @returns undefined for a key without limits
   * @throws CodedError RATE_LIMITED; nothing is counted then
   */
  charge(key: LimitedKey, uncachedTokens: number): KeyCharge | undefined {
    if (!hasLimits(key.limits)) return undefined;
    return new KeyCharge(this.#willingMeter(key, uncachedTokens, this.#clock.now()), uncachedTokens, this.#clock);
  }

  /** Gives waiters another look: a worker became ready, or lost something that kept it from being chosen. */
  recheck(): void {
    this.#serve(Number.POSITIVE_INFINITY);
  }

  /** Refuses everybody who waits. Requests that run are not touched. */
  close(): void {
    for (const line of [this.#moving, this.#arriving]) {
      for (let waiter = line.first; waiter; waiter = line.first) {
        this.#giveUp(waiter, routerError('SHUTTING_DOWN', {}, { retryAfterSeconds: 1 }));
      }
    }
  }

  /** For Slot only. */
  leave(slot: Slot<W>, uncachedTokens: number): void {
    slot.meter?.end(slot.reserved, uncachedTokens, this.#clock.now());
    this.#running--;
    this.#vacate(slot);
    if (this.waiting > 0) this.#serve(1);
  }

  /** For Slot only. */
  move(slot: Slot<W>, place: Place<W>): Slot<W> | Waiting<W> {
    this.#vacate(slot);
    const isPlaced = this.#settle(slot, place);
    // The worker that was given up may be what a waiter needs.
    if (this.waiting > 0) this.#serve(1);
    return isPlaced ? slot : this.#wait(this.#moving, new Waiter(slot, place, '', 0, this.#clock.now()));
  }

  #enter(request: AdmissionRequest<W>, meter: KeyMeter | undefined): Slot<W> | Waiting<W> {
    const { bytes, place, group = '' } = request;
    const slot = new Slot<W>(this, meter, request.uncachedTokens);
    // While the global cap has room, waiters wait for workers; those of other groups do not compete with this request.
    const isNext = this.#arriving.count === 0 || !this.#arriving.holdsGroup(group);
    if (this.#running < this.#limits.maxConcurrent && isNext && this.#settle(slot, place)) {
      this.#running++;
      return slot;
    }
    if (this.#arriving.count >= this.#limits.queueRequests || this.#arriving.bytes + bytes > this.#limits.queueBytes) {
      throw queueFull(this.#running, this.#arriving.count, this.#arriving.bytes, this.#lastWaitMs);
    }
    return this.#wait(this.#arriving, new Waiter(slot, place, group, bytes, this.#clock.now()));
  }

  #wait(line: WaitingLine<W>, waiter: Waiter<W>): Waiting<W> {
    line.push(waiter);
    this.#timer ??= this.#clock.schedule(this.#limits.queueTimeoutMs, () => this.#expire());
    return { granted: waiter.granted, cancel: () => this.#giveUp(waiter, clientLeft()) };
  }

  /** Chooses the worker of a slot. Returns false when none has room. */
  #settle(slot: Slot<W>, place: Place<W> | undefined): boolean {
    if (place === undefined) return true;
    slot.worker = place(this.#workers.hasRoom);
    if (slot.worker === undefined) return false;
    this.#workers.occupy(slot.worker);
    return true;
  }

  #vacate(slot: Slot<W>): void {
    if (slot.worker === undefined) return;
    this.#workers.vacate(slot.worker);
    slot.worker = undefined;
  }

  /** Hands what is free to waiters, in order. @param most newcomers to let in: one freed place serves one */
  #serve(most: number): void {
    for (let waiter = this.#moving.first; waiter; waiter = waiter.next) this.#tryGrant(waiter);
    const fullGroups = new Set<string>();
    let waiter = this.#arriving.first;
    for (; waiter && most > 0 && this.#running < this.#limits.maxConcurrent; waiter = waiter.next) {
      if (fullGroups.has(waiter.group)) continue;
      if (this.#tryGrant(waiter)) {
        this.#running++;
        most--;
      } else if (waiter.line) fullGroups.add(waiter.group);
    }
    this.#disarmWhenEmpty();
  }

  #tryGrant(waiter: Waiter<W>): boolean {
    const { slot } = waiter;
    if (slot.hasLeft) {
      this.#giveUp(waiter, clientLeft());
      return false;
    }
    try {
      if (!this.#settle(slot, waiter.place)) return false;
    } catch (error) {
      this.#giveUp(waiter, error);
      return false;
    }
    waiter.line!.remove(waiter);
    slot.waitedMs += this.#clock.now() - waiter.sinceMs;
    this.#lastWaitMs = slot.waitedMs;
    waiter.grant(slot);
    return true;
  }

  /** Takes a waiter out of its line with an error. One that was only moving keeps its slot, which its holder leaves. */
  #giveUp(waiter: Waiter<W>, error: unknown): void {
    const { line, slot } = waiter;
    if (line === undefined) return;
    line.remove(waiter);
    if (line === this.#arriving) slot.meter?.undo(slot.reserved, this.#clock.now());
    waiter.refuse(error);
    this.#disarmWhenEmpty();
  }

  /** Both lines are in order of time, so one timer for the two oldest waiters is enough. */
  #expire(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.now();
    const { queueTimeoutMs } = this.#limits;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const line of [this.#moving, this.#arriving]) {
      while (line.first && nowMs - line.first.sinceMs >= queueTimeoutMs) {
        this.#giveUp(line.first, queueTimeout(queueTimeoutMs));
      }
      if (line.first) nextMs = Math.min(nextMs, line.first.sinceMs + queueTimeoutMs);
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#timer = this.#clock.schedule(nextMs - nowMs, () => this.#expire());
  }

  #disarmWhenEmpty(): void {
    if (this.waiting > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** The key's meter, when it lets one more request begin. @throws RATE_LIMITED */
  #willingMeter({ keyId, limits }: LimitedKey, uncachedTokens: number, nowMs: number): KeyMeter {
    const meter = this.#meterFor(keyId, limits, nowMs);
    const refusal = meter.refusal(uncachedTokens, nowMs);
    if (refusal) throw rateLimited(keyId, refusal);
    return meter;
  }

  #meterFor(keyId: string, limits: KeyLimits, nowMs: number): KeyMeter {
    let meter = this.#meters.get(keyId);
    if (meter === undefined) {
      meter = new KeyMeter();
      this.#meters.set(keyId, meter);
    }
    meter.follow(limits, nowMs);
    return meter;
  }
}

function clientLeft(): Error {
  return new DOMException('The client left the queue.', 'AbortError');
}
