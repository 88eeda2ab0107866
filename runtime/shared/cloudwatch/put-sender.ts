import type { Clock, Timer } from '../clock.ts';
import type { Logger } from '../log.ts';
import { type Failure, judgeFailure } from './judge-failure.ts';
import type { MetricPoint } from './metric-point.ts';
import { PointStore } from './point-store.ts';
import { putBackoffMs } from './put-backoff.ts';
import type { PutCall } from './put-call.ts';
import { putRequest, takeRequest } from './put-request.ts';
import { SenderJournal } from './sender-journal.ts';

export interface PutSenderOptions {
  readonly call: PutCall;
  readonly namespace: string;
  readonly intervalMs: number;
  readonly bufferBytes: number;
  readonly closeDeadlineMs: number;
  readonly log: Logger;
  readonly clock: Clock;
  readonly now: () => number;
  readonly random: () => number;
}

/** Reports that a daemon makes in one go arrive within this, in ms, and share a call. */
const gatherMs = 100;
/** A call that takes longer counts as failed, in ms. CloudWatch answers within a second. */
const callTimeoutMs = 10_000;
/** Calls that one interval may spend on finding what CloudWatch refuses. */
const searchCalls = 40;

/** Brings points to CloudWatch: at most one call an interval while all is well, with waits that grow while it is not. */
export class PutSender {
  readonly #options: PutSenderOptions;
  readonly #store: PointStore;
  readonly #journal: SenderJournal;
  readonly #closing = new AbortController();
  #timer: Timer | undefined;
  #draining: Promise<void> | undefined;
  #lastCallAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #closed: Promise<void> | undefined;

  constructor(options: PutSenderOptions) {
    this.#options = options;
    this.#store = new PointStore(options.bufferBytes);
    this.#journal = new SenderJournal(options.log, () => options.clock.now());
  }

  add(points: readonly MetricPoint[]): void {
    if (this.#closed) return;
    this.#store.add(points);
    this.#schedule();
  }

  /** Sends what is kept, again and again until it is gone or the deadline has come. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #schedule(): void {
    if (this.#timer || this.#draining || this.#closed || this.#store.size === 0) return;
    const { clock, intervalMs } = this.#options;
    const waitMs = Math.max(gatherMs, this.#lastCallAt + this.#pauseMs(intervalMs) - clock.now());
    this.#timer = clock.schedule(waitMs, () => {
      this.#timer = undefined;
      this.#draining = this.#drain().finally(() => {
        this.#draining = undefined;
        this.#schedule();
      });
    });
  }

  #pauseMs(whenWellMs: number): number {
    return this.#failures === 0 ? whenWellMs : putBackoffMs(this.#failures, this.#options.random());
  }

  /** Sends until nothing is left or CloudWatch is out of reach. Never rejects. */
  async #drain(): Promise<void> {
    this.#store.dropOld(this.#options.now());
    const search = { calls: searchCalls };
    while (this.#store.size > 0 && !this.#closing.signal.aborted) {
      const failure = await this.#deliver(takeRequest(this.#store), search);
      if (failure) {
        this.#failures++;
        this.#journal.unreachable(failure, this.#store.dropped);
        return;
      }
      this.#failures = 0;
    }
    this.#journal.reachable(this.#store.dropped);
  }

  /**
   * Sends `points` in one call. What CloudWatch refuses is halved until the culprit is alone and dropped: bad data must
   * not keep the rest. What could not be sent goes back to the store.
   * @returns why CloudWatch is out of reach, if it is
   */
  async #deliver(points: readonly MetricPoint[], search: { calls: number }): Promise<Failure | undefined> {
    try {
      await this.#call(points);
      return undefined;
    } catch (error) {
      const failure = judgeFailure(error);
      if (failure.verdict === 'unreachable') {
        this.#store.restore(points);
        return failure;
      }
      if (points.length === 1 || search.calls <= 0) {
        this.#journal.refused(points, failure);
        return undefined;
      }
      search.calls -= 2;
      const middle = Math.ceil(points.length / 2);
      const unreachable = await this.#deliver(points.slice(0, middle), search);
      if (unreachable) {
        this.#store.restore(points.slice(middle));
        return unreachable;
      }
      return this.#deliver(points.slice(middle), search);
    }
  }

  /** One call under a deadline, which also holds where the SDK waits for credentials and hears no signal. */
  async #call(points: readonly MetricPoint[]): Promise<void> {
    const { call, clock, namespace } = this.#options;
    this.#lastCallAt = clock.now();
    const timedOut = new AbortController();
    const timer = clock.schedule(callTimeoutMs, () => timedOut.abort(new TimeoutError('CloudWatch does not answer.')));
    const signal = AbortSignal.any([timedOut.signal, this.#closing.signal]);
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      signal.throwIfAborted();
      await Promise.race([call.send(putRequest(namespace, points), signal), aborted.promise]);
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', abort);
    }
  }

  async #close(): Promise<void> {
    const { clock, closeDeadlineMs, call } = this.#options;
    this.#timer?.cancel();
    this.#timer = undefined;
    const deadline = clock.schedule(closeDeadlineMs, () => this.#closing.abort(new TimeoutError('No time is left.')));
    try {
      await this.#draining;
      while (this.#store.size > 0 && !this.#closing.signal.aborted) {
        await this.#drain();
        if (this.#store.size > 0) await this.#pause(this.#pauseMs(0));
      }
    } finally {
      deadline.cancel();
      call.close();
    }
    if (this.#store.size > 0) this.#journal.lostAtClose(this.#store.size);
  }

  /** Ends early at the deadline of `close`. */
  #pause(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = this.#options.clock.schedule(ms, over.resolve);
    const { signal } = this.#closing;
    if (signal.aborted) over.resolve();
    signal.addEventListener('abort', () => over.resolve(), { once: true });
    return over.promise.finally(() => timer.cancel());
  }
}

class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}
