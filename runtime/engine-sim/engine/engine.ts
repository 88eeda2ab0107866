import type { Clock, Timer } from '../../shared/clock.ts';
import { createEngineCore } from '../core/engine-core.ts';
import type { CoreRequest, EngineCore, EngineEvent, EngineSettings, FinishReason } from '../core/types.ts';

/** What becomes of one submitted sequence. Times are engine milliseconds. */
export interface SequenceListener {
  token(position: number, at: number): void;
  finished(reason: FinishReason, cachedTokens: number, at: number): void;
  /** The waiting queue was full, at once or after a retraction. */
  rejected(at: number): void;
  retracted(): void;
  /**
   * Comes once after the events of one wake-up or a few, for one socket write instead of many. The only place from which a
   * listener may submit to the engine or abort: the others are called from inside the core.
   */
  flush(): void;
}

export interface EngineOptions {
  readonly settings: EngineSettings;
  readonly clock: Clock;
  /** Least time between two wake-ups, on the clock: events that are due sooner are delivered together. @default 0 */
  readonly coalesceMs?: number;
  /** How long tokens behind the first one may wait for more to be flushed with, on the clock. @default 0 */
  readonly gatherMs?: number;
  /** Receives the events that are about the engine as a whole, and each retraction. */
  readonly onReport: (event: EngineEvent) => void;
}

/** Drives the engine core in real or scaled time with a single timer, and hands its events to their sequences. */
export class Engine {
  readonly core: EngineCore;
  readonly #clock: Clock;
  readonly #coalesceMs: number;
  readonly #gatherMs: number;
  readonly #onReport: (event: EngineEvent) => void;
  readonly #listeners = new Map<string, SequenceListener>();
  /** With events that they have not flushed. */
  readonly #touched = new Set<SequenceListener>();
  /** Those of them whose first token or end is among the events. */
  readonly #urgent = new Set<SequenceListener>();
  #gatheredSince = 0;
  #timer: Timer | undefined;
  #timerDueAt = Number.POSITIVE_INFINITY;
  #lastOutputAt = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(options: EngineOptions) {
    this.#clock = options.clock;
    this.#coalesceMs = options.coalesceMs ?? 0;
    this.#gatherMs = options.gatherMs ?? 0;
    this.#onReport = options.onReport;
    this.core = createEngineCore(options.settings, (event) => this.#deliver(event));
  }

  now(): number {
    return this.#clock.now();
  }

  /** When the engine last produced anything for anybody. */
  get lastOutputAt(): number {
    return this.#lastOutputAt;
  }

  get isBusy(): boolean {
    return this.#listeners.size > 0;
  }

  /** Adds sequences at one instant, so that one prefill pass can take them together. */
  submit(entries: readonly { request: CoreRequest; listener: SequenceListener }[]): void {
    this.#step((now) => {
      for (const { request, listener } of entries) {
        this.#listeners.set(request.rid, listener);
        this.core.submit(request, now);
      }
    });
  }

  /** False when the sequence is not in flight. */
  abort(rid: string): boolean {
    return this.#step((now) => this.core.abort(rid, now));
  }

  flushCache(): boolean {
    return this.#step(() => this.core.flushCache());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#listeners.clear();
  }

  #step<T>(act: (now: number) => T): T {
    const now = this.#clock.now();
    this.core.advanceTo(now);
    const result = act(now);
    this.#flush(now);
    this.#schedule(now);
    return result;
  }

  #schedule(now: number): void {
    const dueAt = this.#nextDueAt();
    if (dueAt === undefined || this.#isClosed) {
      this.#timer?.cancel();
      this.#timer = undefined;
      this.#timerDueAt = Number.POSITIVE_INFINITY;
      return;
    }
    const wakeAt = Math.max(dueAt, now + this.#coalesceMs);
    if (this.#timer !== undefined && this.#timerDueAt <= wakeAt) return;
    this.#timer?.cancel();
    this.#timerDueAt = wakeAt;
    this.#timer = this.#clock.schedule(wakeAt - now, () => {
      this.#timer = undefined;
      this.#timerDueAt = Number.POSITIVE_INFINITY;
      this.#step(() => undefined);
    });
  }

  #nextDueAt(): number | undefined {
    const eventAt = this.core.nextEventAt();
    if (this.#touched.size === 0) return eventAt;
    return Math.min(eventAt ?? Number.POSITIVE_INFINITY, this.#gatheredSince + this.#gatherMs);
  }

  #flush(now: number): void {
    const isDue = now - this.#gatheredSince >= this.#gatherMs;
    const ready = [...(isDue ? this.#touched : this.#urgent)];
    this.#urgent.clear();
    if (isDue) {
      this.#touched.clear();
      this.#gatheredSince = now;
    } else {
      for (const listener of ready) this.#touched.delete(listener);
    }
    for (const listener of ready) listener.flush();
  }

  #deliver(event: EngineEvent): void {
    if (event.kind === 'prefill-report' || event.kind === 'decode-report') {
      this.#onReport(event);
      return;
    }
    const listener = this.#listeners.get(event.rid);
    if (listener === undefined) return;
    this.#lastOutputAt = this.#clock.now();
    this.#touched.add(listener);
    if (event.kind !== 'token' || event.position === 0) this.#urgent.add(listener);
    switch (event.kind) {
      case 'token':
        listener.token(event.position, event.at);
        break;
      case 'retracted':
        this.#onReport(event);
        listener.retracted();
        break;
      case 'finished':
        this.#listeners.delete(event.rid);
        listener.finished(event.reason, event.cachedTokens, event.at);
        break;
      case 'rejected':
        this.#listeners.delete(event.rid);
        listener.rejected(event.at);
        break;
    }
  }
}
