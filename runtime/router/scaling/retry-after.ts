/** What a refused client is told when nothing is known to be starting. */
export const usualRetrySeconds = 5;
/** The official OpenAI clients ignore a `Retry-After` of more than 60 s and come back after half a second instead. */
const mostSeconds = 55;

/** The start of a worker group as a router sees it; times in ms on one monotonic clock. */
export interface GroupStart {
  /** Since when workers are on their way; undefined when none are. */
  readonly sinceMs: number | undefined;
  /** How long that took the last time, from the raise to the first ready worker. */
  readonly expectedMs: number;
}

/** Seconds after which a client that found no worker should come back: when the first one is expected, within bounds. */
export function retryAfterSeconds({ sinceMs, expectedMs }: GroupStart, nowMs: number): number {
  if (sinceMs === undefined) return usualRetrySeconds;
  const leftSeconds = Math.ceil((sinceMs + expectedMs - nowMs) / 1_000);
  return Math.min(mostSeconds, Math.max(usualRetrySeconds, leftSeconds));
}
