import { setTimeout as delay } from 'node:timers/promises';
import { type EngineLoad, type LoadReport, loadIntervalMs, loadRepeatMs } from '../shared/protocol.ts';

export interface LoadFeedOptions {
  /** Asks the engine; undefined when it cannot say. Never rejects. */
  readonly readLoad: (signal: AbortSignal) => Promise<EngineLoad | undefined>;
  /** All else of a report, as it is now. */
  readonly facts: () => Omit<LoadReport, 'load'>;
  readonly timeScale: number;
}

export interface LoadListener {
  /** @param report JSON of a LoadReport */
  report(report: string): void;
  /** No more will come. */
  end(): void;
}

/**
 * Tells listeners of the load as it changes, and every 2 s that it did not. However many there are, the engine is asked by
 * one loop; without listeners it is left alone.
 */
export class LoadFeed {
  readonly #options: LoadFeedOptions;
  readonly #listeners = new Set<LoadListener>();
  #polling: AbortController | undefined;
  #load: EngineLoad | undefined;
  #lastReport: string | undefined;
  #lastReportAt = 0;
  #isClosed = false;

  constructor(options: LoadFeedOptions) {
    this.#options = options;
  }

  /** The listener gets what is known at once. @returns the function with which it leaves */
  subscribe(listener: LoadListener): () => void {
    if (this.#isClosed) {
      listener.end();
      return () => {};
    }
    this.#listeners.add(listener);
    listener.report(this.#report());
    if (!this.#polling) {
      this.#polling = new AbortController();
      void this.#poll(this.#polling.signal);
    }
    return () => this.#leave(listener);
  }

  /** Something other than the load changed: listeners hear it without waiting for the engine's answer. */
  notify(): void {
    if (this.#listeners.size > 0) this.#publish();
  }

  /** Ends every listener. */
  close(): void {
    this.#isClosed = true;
    for (const listener of [...this.#listeners]) {
      this.#leave(listener);
      listener.end();
    }
  }

  #leave(listener: LoadListener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    this.#polling?.abort();
    this.#polling = undefined;
    // The next listener is not told what was true long ago.
    this.#load = undefined;
    this.#lastReport = undefined;
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { readLoad, timeScale } = this.#options;
    while (!signal.aborted) {
      const load = await readLoad(signal);
      if (signal.aborted) return;
      this.#load = load;
      this.#publish();
      await delay(loadIntervalMs / timeScale, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  #publish(): void {
    const report = this.#report();
    const now = performance.now();
    const isRepeatDue = now - this.#lastReportAt >= loadRepeatMs / this.#options.timeScale;
    if (report === this.#lastReport && !isRepeatDue) return;
    this.#lastReport = report;
    this.#lastReportAt = now;
    for (const listener of this.#listeners) listener.report(report);
  }

  #report(): string {
    const report: LoadReport = { ...this.#options.facts(), load: this.#load };
    return JSON.stringify(report);
  }
}
