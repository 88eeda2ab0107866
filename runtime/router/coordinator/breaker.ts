/** Failures in a row that cost a worker nothing but the proof: a reset may be the network's. */
const freeFailures = 2;
const firstHoldOutMs = 500;
const maxHoldOutMs = 30_000;

/**
 * How long a worker stays out of rotation before it may prove itself again, in ms. A worker that passes the proof and
 * then fails real requests, again and again, is tried more and more rarely.
 * @param consecutiveFailures times that it fell out of rotation since a request last succeeded on it: by connect errors,
 * resets, stalls and mid-stream deaths; never by a status that the engine answered with
 */
export function holdOutMs(consecutiveFailures: number): number {
  const excess = consecutiveFailures - freeFailures;
  return excess <= 0 ? 0 : Math.min(firstHoldOutMs * 2 ** (excess - 1), maxHoldOutMs);
}
