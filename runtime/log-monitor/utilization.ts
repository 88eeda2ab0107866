import { round } from './spread.ts';

/**
 * How many requests of the present kind fill the KV cache, from what was seen: sums of running requests and of KV usage,
 * older windows counting less. Plain data, saved with the place in the log.
 */
export interface LearnedCapacity {
  readonly runningRequests: number;
  readonly kvCacheUsage: number;
}

export const nothingLearned: LearnedCapacity = { runningRequests: 0, kvCacheUsage: 0 };

/** What a window says about the load; null for what no source knows. */
export interface LoadFacts {
  readonly runningRequests: number | null;
  readonly queuedRequests: number | null;
  /** 0 to 1 */
  readonly kvCacheUsage: number | null;
}

/** After this long a window counts half: traffic changes its shape over minutes. */
const halfLifeMs = 300_000;

/** What is known after a window of `lengthMs` with these facts. An idle engine teaches nothing. */
export function learnCapacity(learned: LearnedCapacity, load: LoadFacts, lengthMs: number): LearnedCapacity {
  if (!load.runningRequests || !load.kvCacheUsage) return learned;
  const kept = 0.5 ** (Math.max(0, lengthMs) / halfLifeMs);
  return {
    runningRequests: learned.runningRequests * kept + load.runningRequests,
    kvCacheUsage: learned.kvCacheUsage * kept + load.kvCacheUsage,
  };
}

export interface CapacityFacts {
  /** What an operator said; overrides the rest. */
  readonly configuredRequests: number | null;
  /** `max_running_requests` over all data-parallel ranks. */
  readonly maxRunningRequests: number | null;
  readonly learned: LearnedCapacity;
}

/**
 * Requests that the engine can run at once: as many as it has slots for, or as fit into its KV cache at the present size
 * of a request, whichever is less. (SGLang sets thousands of slots when not told, far more than the cache can hold.) At
 * least 1; null when neither is known.
 */
export function requestCapacity({ configuredRequests, maxRunningRequests, learned }: CapacityFacts): number | null {
  if (configuredRequests !== null) return configuredRequests;
  const fitting = learned.kvCacheUsage > 0 ? learned.runningRequests / learned.kvCacheUsage : null;
  const limits = [maxRunningRequests, fitting].filter((limit) => limit !== null);
  return limits.length === 0 ? null : Math.max(1, Math.min(...limits));
}

/**
 * The scaling metric: requests that the engine has, running and waiting, as a share of those that it can run at once. 1 is
 * an engine that is full with nobody waiting; a queue takes it above 1. 0 for an idle engine, whatever its capacity; null
 * when the load or the capacity is unknown.
 */
export function utilizationOf(load: LoadFacts, capacity: number | null): number | null {
  if (load.runningRequests === null || load.queuedRequests === null) return null;
  const requests = load.runningRequests + load.queuedRequests;
  if (requests === 0) return 0;
  return capacity === null ? null : round(requests / capacity);
}
