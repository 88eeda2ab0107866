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
  /** Readings in a row that failed, this one included. */
  readonly failedReadings: number;
  /**
   * Requests of this worker that routers have not passed on to the end: a slow client's answer may still lie in the
   * engine's buffers when nothing runs there any more. Undefined before the routers were asked; 0 when none can tell.
   */
  readonly inFlightAtRouters: number | undefined;
  readonly deadlineAt: number;
  /** The machine is gone soon after the deadline. */
  readonly isDeadlineHard: boolean;
}

export type DrainStep =
  | { readonly do: 'tell-routers' }
  | { readonly do: 'ask-routers' }
  | { readonly do: 'wait'; readonly forMs: number }
  /** Requests that are cut off here go on elsewhere: routers continue streams and send the others again. */
  | { readonly do: 'hand-over'; readonly requests: number; readonly turns: number }
  | { readonly do: 'stop-engine'; readonly graceMs: number };

export const drainPollMs = 100;
/** Between two questions to routers, each of which writes a heartbeat. */
export const routerPollMs = 500;
/** For an engine that drains by itself after SIGTERM, at least this long. */
export const engineStopGraceMs = 30_000;
/** For an idle engine. SGLang looks for its SIGTERM only every 5 s, and there is nothing left that a kill could cut. */
export const idleStopGraceMs = 1_000;
/** A request that a router sent just before it was told may still be on its way, so one reading of 0 is not enough. */
const idleReadingsNeeded = 2;
/** One long forward step can swallow a reading. */
const failedReadingsNeeded = 3;

/** What the drain does next. */
export function nextDrainStep(state: DrainState, now: number): DrainStep {
  if (!state.areRoutersTold) return { do: 'tell-routers' };
  const remainingMs = Math.max(0, state.deadlineAt - now);
  const wait = (ms: number): DrainStep => ({ do: 'wait', forMs: Math.min(ms, remainingMs) });
  const { inFlight, busyTurns, inFlightAtRouters } = state;
  if (remainingMs === 0) return atDeadline(state);
  if (busyTurns > 0) return wait(drainPollMs);
  // SGLang waits for its own requests after SIGTERM, so an engine that cannot count them is left to do that.
  if (inFlight === undefined) {
    if (state.failedReadings < failedReadingsNeeded) return wait(drainPollMs);
    return {
      do: 'stop-engine',
      graceMs: state.isDeadlineHard ? remainingMs : Math.max(remainingMs, engineStopGraceMs),
    };
  }
  if (state.idleReadings < idleReadingsNeeded) return wait(drainPollMs);
  if (inFlightAtRouters === undefined) return { do: 'ask-routers' };
  return inFlightAtRouters > 0 ? wait(routerPollMs) : { do: 'stop-engine', graceMs: idleStopGraceMs };
}

function atDeadline({ inFlight, busyTurns, inFlightAtRouters = 0, isDeadlineHard }: DrainState): DrainStep {
  if (inFlight === undefined && busyTurns === 0) {
    return isDeadlineHard
      ? { do: 'hand-over', requests: 0, turns: 0 }
      : { do: 'stop-engine', graceMs: engineStopGraceMs };
  }
  const requests = Math.max(inFlight ?? 0, inFlightAtRouters);
  return requests > 0 || busyTurns > 0
    ? { do: 'hand-over', requests, turns: busyTurns }
    : { do: 'stop-engine', graceMs: idleStopGraceMs };
}
