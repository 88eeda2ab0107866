import { loggedCapacity } from './engine-life.ts';
import { afterCounters, type LogSummary } from './log-window.ts';
import type { MonitorState } from './monitor-state.ts';
import type { PublishedWindow } from './published-window.ts';
import { learnCapacity, requestCapacity, utilizationOf } from './utilization.ts';
import type { EngineWindow } from './watch/engine-watch.ts';
import { measureWindow, noLook } from './window-measures.ts';

/** All that is known when a window ends. */
export interface WindowFacts {
  /** ms since the epoch */
  readonly endedMs: number;
  readonly logged: LogSummary;
  /** What the engine's HTTP server said; undefined when it is not asked. */
  readonly seen: EngineWindow | undefined;
  readonly isInService: boolean;
  readonly model: string | null;
  /** What an operator said that the engine can run at once; null when nobody did. */
  readonly capacityRequests: number | null;
}

/** The state at the end of a window, which is then pending. The place in the log is the caller's to add. */
export function endWindow(before: MonitorState, facts: WindowFacts): Omit<MonitorState, 'position'> {
  const { endedMs, logged, seen } = facts;
  const { measurements, place, countedPromptTokens } = measureWindow(seen?.look ?? noLook, logged, before.place);
  const load = {
    runningRequests: measurements.runningRequests?.values[0] ?? null,
    queuedRequests: measurements.queuedRequests?.values[0] ?? null,
    kvCacheUsage: measurements.kvCacheUsage?.values[0] ?? null,
  };
  const learned = learnCapacity(before.learned, load, endedMs - before.windowEndedMs);
  const capacity = requestCapacity({
    configuredRequests: facts.capacityRequests,
    maxRunningRequests: seen?.maxRunningRequests ?? loggedCapacity(logged.memory.engine),
    learned,
  });
  const sequence = before.sequence + 1;
  const pending: PublishedWindow = {
    sequence,
    from: new Date(before.windowEndedMs).toISOString(),
    to: new Date(endedMs).toISOString(),
    model: facts.model,
    isInService: facts.isInService,
    utilization: utilizationOf(load, capacity),
    capacityRequests: capacity === null ? null : Math.round(capacity * 10) / 10,
    measurements,
    engineRestarts: logged.restarts,
    startups: logged.startups,
    ...logged.aggregate,
  };
  const { version, logFile } = before;
  const memory = afterCounters(logged.memory, logged.aggregate.batchLines, countedPromptTokens);
  return { version, logFile, sequence, windowEndedMs: endedMs, memory, place, learned, pending };
}
