import { type Carry, WindowAggregator } from './aggregate.ts';
import { afterLifeEvent, type EngineLife, type StartupSeconds, unknownLife } from './engine-life.ts';
import { eventTimeMs } from './event-time.ts';
import type { LogEvent } from './log-event.ts';
import { type LoggedLoad, loadReadings, nextLoggedLoad } from './logged-load.ts';
import { RequestWindow } from './request-window.ts';
import type { SourceReadings } from './sources/measurement.ts';
import type { WindowAggregate } from './window-aggregate.ts';

/** What the log leaves to the next window. Plain data, saved with the place in the log. */
export interface LogMemory {
  readonly groups: Carry;
  readonly engine: EngineLife;
  readonly load: LoggedLoad | null;
  /**
   * Windows without a batch line since the last one in which the engine's counters grew: the engine logs in a way that is
   * not understood, or not at all.
   */
  readonly silentWindows: number;
  /** Whether this engine logs its requests as JSON. */
  readonly showsRequests: boolean;
}

export const emptyMemory: LogMemory = {
  groups: {},
  engine: unknownLife,
  load: null,
  silentWindows: 0,
  showsRequests: false,
};

/** What the log says of one window. */
export interface LogSummary {
  readonly aggregate: WindowAggregate;
  readonly log: SourceReadings;
  readonly requestLog: SourceReadings;
  /** Launches of an engine that had run before. */
  readonly restarts: number;
  /** Starts that were completed. */
  readonly startups: readonly StartupSeconds[];
  readonly memory: LogMemory;
}

/** Gathers what one window of the log says, from what the windows before it left. */
export class LogWindow {
  readonly #before: LogMemory;
  readonly #aggregator: WindowAggregator;
  readonly #requests = new RequestWindow();
  readonly #startups: StartupSeconds[] = [];
  #engine: EngineLife;
  #showsRequests: boolean;
  #restarts = 0;

  constructor(before: LogMemory = emptyMemory) {
    this.#before = before;
    this.#aggregator = new WindowAggregator(before.groups);
    this.#engine = before.engine;
    this.#showsRequests = before.showsRequests;
  }

  /**
   * Takes one line of the log.
   * @param event what the line says, undefined for a line that says nothing
   * @param observedAtMs stands in for the time of a line that prints none
   */
  add(event: LogEvent | undefined, observedAtMs: number): void {
    this.#aggregator.add(event, observedAtMs);
    if (event === undefined) return;
    if (event.kind === 'request-finished') {
      this.#requests.take(event);
      this.#showsRequests = true;
    }
    const atMs = event.time === null ? null : (eventTimeMs(event.time) ?? null);
    const { life, isRestart, startup } = afterLifeEvent(this.#engine, event, atMs);
    // A new engine may log other things than the last one did.
    if (isRestart !== undefined) this.#showsRequests = false;
    if (isRestart) this.#restarts++;
    if (startup) this.#startups.push(startup);
    this.#engine = life;
  }

  /** @param endedMs end of the window, ms since the epoch */
  close(endedMs: number): LogSummary {
    const aggregate = this.#aggregator.close();
    const load = nextLoggedLoad(this.#before.load, aggregate, this.#engine.state, endedMs);
    const silentWindows = aggregate.batchLines > 0 ? 0 : this.#before.silentWindows;
    const isUnderstood = silentWindows < trustedSilence && this.#engine.state !== 'unknown';
    return {
      aggregate,
      log: { ...loadReadings(load), ...(isUnderstood && tokenReadings(aggregate)) },
      requestLog: this.#showsRequests || this.#requests.requests > 0 ? this.#requests.readings() : {},
      restarts: this.#restarts,
      startups: this.#startups,
      memory: {
        groups: this.#aggregator.carry,
        engine: this.#engine,
        load,
        silentWindows,
        showsRequests: this.#showsRequests,
      },
    };
  }
}

/** A line may come a moment after the counters grew; so many windows in a row cannot all be that. */
const trustedSilence = 3;

/** The memory once it is known whether the engine's own counters grew in the window. */
export function afterCounters(memory: LogMemory, batchLines: number, promptTokens: number | undefined): LogMemory {
  if (batchLines > 0 || !promptTokens) return memory;
  return { ...memory, silentWindows: Math.min(trustedSilence, memory.silentWindows + 1) };
}

function tokenReadings(aggregate: WindowAggregate): SourceReadings {
  return {
    prefillTokens: { values: [aggregate.prefillTokens] },
    cachedTokens: { values: [aggregate.cachedTokens] },
    generationTokens: { values: [aggregate.generationTokens] },
    retractions: { values: [aggregate.retractedRequests] },
  };
}
