import type { EngineState } from './engine-life.ts';
import type { SourceReadings } from './sources/measurement.ts';
import type { WindowAggregate } from './window-aggregate.ts';

/** What the log last said about the load. Plain data, saved with the place in the log. */
export interface LoggedLoad {
  readonly runningRequests: number;
  readonly queuedRequests: number;
  readonly kvCacheUsage: number;
  /** End of the window that said so, ms since the epoch. */
  readonly atMs: number;
}

/** A busy engine prints a line every few seconds; one that has said nothing for this long has nothing to do. */
const silenceMs = 20_000;

type Gauges = Pick<WindowAggregate, 'runningRequests' | 'queuedRequests' | 'kvCacheUsage' | 'failedHealthChecks'>;

/**
 * The load after a window. SGLang logs nothing when idle, nor when it hangs: a serving engine that was silent for 20 s
 * counts as idle unless its own health check failed. Null when nothing can be said.
 */
export function nextLoggedLoad(
  last: LoggedLoad | null,
  gauges: Gauges,
  engine: EngineState,
  atMs: number,
): LoggedLoad | null {
  if (engine === 'dead' || engine === 'starting') return null;
  if (gauges.runningRequests !== null || gauges.queuedRequests !== null) {
    return {
      runningRequests: gauges.runningRequests ?? last?.runningRequests ?? 0,
      queuedRequests: gauges.queuedRequests ?? last?.queuedRequests ?? 0,
      kvCacheUsage: gauges.kvCacheUsage ?? last?.kvCacheUsage ?? 0,
      atMs,
    };
  }
  if (engine === 'unknown' || gauges.failedHealthChecks > 0) return null;
  if (last !== null && atMs - last.atMs < silenceMs) return last;
  return { runningRequests: 0, queuedRequests: 0, kvCacheUsage: 0, atMs };
}

/** The log's gauges as readings. */
export function loadReadings(load: LoggedLoad | null): SourceReadings {
  if (load === null) return {};
  return {
    runningRequests: { values: [load.runningRequests] },
    queuedRequests: { values: [load.queuedRequests] },
    kvCacheUsage: { values: [load.kvCacheUsage] },
  };
}
