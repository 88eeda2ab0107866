import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '../../shared/backoff.ts';
import type { Clock } from '../../shared/clock.ts';
import { describeError } from '../../shared/errors.ts';
import type { LogFields, Logger } from '../../shared/log.ts';
import { type CapacityStep, type GroupSize, nextCapacity } from './next-capacity.ts';
import { retryAfterSeconds } from './retry-after.ts';
import type { WorkerGroup } from './worker-group.ts';

/** Requests that wait for a ready worker. */
export interface Held {
  /** How many wait now. */
  readonly size: number;
  /** How many began to wait so far. */
  readonly entered: number;
}

export interface ScaleFromZeroParts {
  readonly group: WorkerGroup;
  readonly groupName: string;
  readonly held: Held;
  readonly readyWorkers: () => number;
  /** See CapacityState. */
  readonly startWorkers: number;
  /** Told of each raise that succeeded or failed. */
  readonly onRaise: (outcome: 'raised' | 'failed') => void;
  readonly log: Logger;
  /** All waits but those for an answer of AWS run on it. */
  readonly clock: Clock;
  /** Divides every wait; as that of `clock`. */
  readonly timeScale: number;
  /** From 0 up to 1. @default Math.random */
  readonly random?: () => number;
}

/** Between two looks at what is held. */
const tickMs = 500;
/** Routers that begin to hold at the same moment look one after the other, and all but the first find it done. */
const jitterMs = 2_000;
/** So long after the last one a request that was held counts: its client was told to come back, and soon will. */
const memoryMs = 10_000;
/** Until a group that was left alone is read again. */
const leftAloneMs = 15_000;
/** After failures in a row, in seconds, plus up to the same again at random. */
const failureBackoffSeconds: readonly number[] = [1, 2, 4, 8, 16, 30];
/** For one call with the client's own retries, in ms of real time. */
const callTimeoutMs = 15_000;
/** From the raise to the first ready worker, until one start has been seen: boot, weights, first generation. */
const priorStartMs = 180_000;

/** Raises a worker group from zero when requests are held for want of any worker; see nextCapacity. */
export class ScaleFromZero {
  readonly #parts: ScaleFromZeroParts;
  readonly #random: () => number;
  #group: (GroupSize & { readonly readAtMs: number }) | undefined;
  #raisedAtMs: number | undefined;
  #notBeforeMs = 0;
  #failures = 0;
  #enteredBefore = 0;
  #heldAtMs = Number.NEGATIVE_INFINITY;
  #wasHolding = false;
  /** The last decision that was logged while requests were held. */
  #decided: string | undefined;
  #startSinceMs: number | undefined;
  #startExpectedMs = priorStartMs;

  constructor(parts: ScaleFromZeroParts) {
    this.#parts = parts;
    this.#random = parts.random ?? Math.random;
  }

  /** Decides until `signal` aborts; then resolves. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { timeScale } = this.#parts;
    while (!signal.aborted) {
      await this.#tick(signal);
      await delay(tickMs / timeScale, undefined, { signal }).catch(() => {});
    }
  }

  /** For `Retry-After`: what a client that found no worker is told. */
  retryAfterSeconds(): number {
    return retryAfterSeconds(
      { sinceMs: this.#startSinceMs, expectedMs: this.#startExpectedMs },
      this.#parts.clock.now(),
    );
  }

  async #tick(signal: AbortSignal): Promise<void> {
    const { readyWorkers, clock } = this.#parts;
    if (readyWorkers() > 0) this.#noteStarted();
    const isHolding = this.#remembersHeld();
    if (isHolding && !this.#wasHolding) {
      this.#notBeforeMs = Math.max(this.#notBeforeMs, clock.now() + jitterMs * this.#random());
    }
    this.#wasHolding = isHolding;
    if (!isHolding) this.#decided = undefined;
    try {
      while (await this.#act(this.#decide(isHolding), signal));
    } catch (error) {
      if (!signal.aborted) this.#noteFailure(error);
    }
  }

  #remembersHeld(): boolean {
    const { held, clock } = this.#parts;
    if (held.size > 0 || held.entered > this.#enteredBefore) this.#heldAtMs = clock.now();
    this.#enteredBefore = held.entered;
    return clock.now() - this.#heldAtMs < memoryMs;
  }

  #decide(isHolding: boolean): CapacityStep {
    const { startWorkers, readyWorkers, clock } = this.#parts;
    const state = {
      ...{ startWorkers, isHolding, readyWorkers: readyWorkers(), group: this.#group },
      ...{ raisedAtMs: this.#raisedAtMs, notBeforeMs: this.#notBeforeMs },
    };
    return nextCapacity(state, clock.now());
  }

  /** @returns whether another decision is due at once */
  async #act(step: CapacityStep, signal: AbortSignal): Promise<boolean> {
    const { group, clock } = this.#parts;
    switch (step.do) {
      case 'nothing':
      case 'wait':
        return false;
      case 'look': {
        const size = await group.read(within(signal));
        this.#group = { ...size, readAtMs: clock.now() };
        return true;
      }
      case 'leave':
        this.#failures = 0;
        this.#notBeforeMs = clock.now() + leftAloneMs;
        if (step.reason !== 'maximum-reached') this.#startSinceMs ??= clock.now();
        this.#log('worker group left as it is', step.reason);
        return false;
      case 'raise':
        await this.#raise(step.to, within(signal));
        return false;
    }
  }

  async #raise(to: number, signal: AbortSignal): Promise<void> {
    const { group, onRaise, clock } = this.#parts;
    try {
      await group.setDesired(to, signal);
    } catch (error) {
      onRaise('failed');
      throw error;
    }
    this.#failures = 0;
    this.#raisedAtMs = clock.now();
    this.#startSinceMs = this.#raisedAtMs;
    onRaise('raised');
    this.#log('worker group raised from zero', `raised to ${to}`, { to });
    this.#decided = undefined;
  }

  /** A streak of failures is one warning; the decision that is logged after it is its end. */
  #noteFailure(error: unknown): void {
    const { log, clock, groupName } = this.#parts;
    const waitMs = backoffMs(failureBackoffSeconds, ++this.#failures) * (1 + this.#random());
    this.#notBeforeMs = clock.now() + waitMs;
    const fields = { error, detail: describeError(error), group: groupName, failures: this.#failures, waitMs };
    if (this.#failures === 1) log.warn('worker group could not be raised, trying again', fields);
    else log.debug('worker group still cannot be raised', fields);
  }

  #noteStarted(): void {
    if (this.#startSinceMs === undefined) return;
    // A start that another router began is older than this one knows.
    if (this.#startSinceMs === this.#raisedAtMs) {
      this.#startExpectedMs = this.#parts.clock.now() - this.#startSinceMs;
    }
    this.#startSinceMs = undefined;
  }

  /** One line per decision: the same one is taken again and again while requests are held. */
  #log(msg: string, decision: string, fields: LogFields = {}): void {
    if (this.#decided === decision) return;
    this.#decided = decision;
    const { log, groupName, held } = this.#parts;
    const { desired, max, instances } = this.#group!;
    log.info(msg, { group: groupName, decision, desired, max, instances, heldRequests: held.size, ...fields });
  }
}

function within(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]);
}
