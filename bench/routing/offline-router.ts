import type { TraceRequest } from '../../runtime/cli/replay/trace.ts';
import type { EngineCore } from '../../runtime/engine-sim/core/types.ts';
import type { RoutingFacts } from '../../runtime/router/policy/policy.ts';

/** A router without HTTP: it is told what a router sees, which is its own dispatches, first tokens and ends. */
export interface OfflineRouter {
  readonly name: string;
  /** Chooses an engine and takes the request into its books. @param id of the request, its place in the trace */
  send(id: number, facts: RoutingFacts, nowMs: number): Dispatch;
  firstToken(id: number, nowMs: number): void;
  end(id: number): void;
}

export interface Dispatch {
  /** Index of the engine. */
  readonly engine: number;
  readonly predictedMs: number;
}

/** Makes a router for a run. Honest ones take from the engines no more than their number and sizes. */
export type OfflineRouterMaker = (engines: readonly EngineCore[], trace: readonly TraceRequest[]) => OfflineRouter;
