/** What is known in the middle of a drain. Times in ms on one clock. */
export interface DrainState {
  /** Every router was told, or could not be within its limit. */
  readonly areRoutersTold: boolean;
  /** Requests that the engine runs or queues; undefined when it cannot say. */
  readonly inFlight: number | undefined;
  /** Turns of sessions; an agent that uses a tool has nothing in flight in the engine. */
  readonly busyTurns: number;
  /** Readings of 0 in a row, this one included. */
  readonly idleReadings: number;
  readonly deadlineAt: number;
  /** The requests that outlived the deadline were aborted. */
  readonly hasAborted: boolean;
}

export type DrainStep =
  | { readonly do: 'tell-routers' }
  | { readonly do: 'wait'; readonly forMs: number }
  | { readonly do: 'abort-requests'; readonly requests: number }
  | { readonly do: 'stop-engine'; readonly graceMs: number };

export const drainPollMs = 100;
/** For an engine that drains by itself after SIGTERM, at least this long. */
export const engineStopGraceMs = 30_000;
/** For an idle engine. SGLang looks for its SIGTERM only every 5 s, and there is nothing left that a kill could cut. */
export const idleStopGraceMs = 1_000;
/** A request that a router sent just before it was told may still be on its way, so one reading of 0 is not enough. */
const idleReadingsNeeded = 2;

/** What the drain does next. */
export function nextDrainStep(state: DrainState, now: number): DrainStep {
  if (!state.areRoutersTold) return { do: 'tell-routers' };
  const remainingMs = Math.max(0, state.deadlineAt - now);
  if (state.busyTurns > 0 && remainingMs > 0) return { do: 'wait', forMs: Math.min(drainPollMs, remainingMs) };
  // SGLang waits for its own requests after SIGTERM, so an engine that cannot count them is left to do that.
  if (state.inFlight === undefined) return { do: 'stop-engine', graceMs: Math.max(remainingMs, engineStopGraceMs) };
  if (state.idleReadings >= idleReadingsNeeded) return { do: 'stop-engine', graceMs: idleStopGraceMs };
  if (remainingMs > 0) return { do: 'wait', forMs: Math.min(drainPollMs, remainingMs) };
  if (state.inFlight > 0 && !state.hasAborted) return { do: 'abort-requests', requests: state.inFlight };
  return { do: 'stop-engine', graceMs: idleStopGraceMs };
}
