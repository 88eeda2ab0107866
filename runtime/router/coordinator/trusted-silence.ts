/**
 * The time before which a heartbeat or lease in the store means death, wall clock ms; undefined while silence proves
 * nothing. After an outage of the store, or of this process, everybody looks silent: each must first have had the time to
 * be heard again.
 * @param sinceMs since when heartbeats could be written without a break
 */
export function silenceCutOffMs(nowMs: number, timeoutMs: number, sinceMs: number): number | undefined {
  return nowMs - sinceMs >= timeoutMs ? nowMs - timeoutMs : undefined;
}
