import { setTimeout as delay } from 'node:timers/promises';
import type { Registry } from '../coordinator/registry.ts';
import type { Worker } from '../coordinator/worker.ts';

const lookIntervalMs = 20;

/** How far a removal got. */
export interface RemovalReport {
  /** False: the worker takes no more requests and goes when the last one has ended. */
  readonly isRemoved: boolean;
  /** Requests in flight when the removal began. */
  readonly inFlightAtStart: number;
  /** Requests still in flight. */
  readonly inFlight: number;
  readonly waitedSeconds: number;
}

interface Removal {
  readonly startedAtMs: number;
  readonly inFlightAtStart: number;
  readonly cancelled: AbortController;
  /** Resolves when the worker is gone or the removal was taken back. */
  readonly finished: Promise<void>;
}

/**
 * Removals of static workers on their way: a worker first gets no new requests, then goes when none is in flight. That
 * goes on when whoever asked for it no longer waits: no request is cut.
 */
export class WorkerRemovals {
  readonly #registry: Registry;
  readonly #removals = new Map<Worker, Removal>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Removes `worker`, or joins the removal that is under way; waits for its end at most until `signal` aborts. */
  async remove(worker: Worker, signal: AbortSignal): Promise<RemovalReport> {
    const { startedAtMs, inFlightAtStart, finished } = this.#removals.get(worker) ?? this.#begin(worker);
    await endedOrAborted(finished, signal);
    return {
      isRemoved: worker.state === 'gone',
      inFlightAtStart,
      inFlight: worker.inFlightRequests,
      waitedSeconds: (performance.now() - startedAtMs) / 1_000,
    };
  }

  /** The worker was added again before it was gone. */
  cancel(worker: Worker): void {
    const removal = this.#removals.get(worker);
    if (removal === undefined) return;
    this.#removals.delete(worker);
    removal.cancelled.abort();
    this.#registry.setState(worker, 'starting', 'it was added again');
  }

  close(): void {
    for (const { cancelled } of this.#removals.values()) cancelled.abort();
  }

  #begin(worker: Worker): Removal {
    this.#registry.setState(worker, 'draining', 'its removal was asked for');
    const cancelled = new AbortController();
    const removal = {
      startedAtMs: performance.now(),
      inFlightAtStart: worker.inFlightRequests,
      cancelled,
      finished: this.#finish(worker, cancelled.signal),
    };
    this.#removals.set(worker, removal);
    return removal;
  }

  async #finish(worker: Worker, cancelled: AbortSignal): Promise<void> {
    await becomes(() => worker.inFlightRequests === 0, cancelled);
    if (cancelled.aborted) return;
    this.#removals.delete(worker);
    this.#registry.removeStatic(worker);
  }
}

/** Resolves true once `isTrue` holds, false when `signal` aborts first. Looks every 20 ms: nobody tells of counts. */
export async function becomes(isTrue: () => boolean, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if (isTrue()) return true;
    await delay(lookIntervalMs, undefined, { signal, ref: false }).catch(() => {});
  }
  return false;
}

/** Resolves when `finished` does or `signal` aborts. */
async function endedOrAborted(finished: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const onAbort = () => resolve();
  signal.addEventListener('abort', onAbort);
  await Promise.race([finished, promise]).finally(() => signal.removeEventListener('abort', onAbort));
}
