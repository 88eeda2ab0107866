/** How a trace's clock relates to the one on the wall. */
export interface Pace {
  /** Requests arrive this many times more often than in the trace. */
  readonly rateScale: number;
  /** The engines run this many times faster than real time; arrivals keep up with them. */
  readonly timeScale: number;
}

/**
 * When a request is due, in wall ms after the first one. Arrivals are open-loop: they depend on the trace alone, never
 * on answers, so a slow fleet builds up a queue as it would in front of real users.
 */
export function dueAtMs(timestampMs: number, firstTimestampMs: number, pace: Pace): number {
  return (timestampMs - firstTimestampMs) / (pace.rateScale * pace.timeScale);
}
