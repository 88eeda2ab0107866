import type { Clock } from '../shared/clock.ts';
import type { Engine } from './engine/engine.ts';
import type { FaultPlan } from './faults/fault-plan.ts';
import type { InFlightRequests } from './generation/in-flight-requests.ts';
import type { ToUnixSeconds } from './generation/meta-info.ts';
import type { EngineLog } from './logs/engine-log.ts';
import type { RequestMetrics } from './metrics/request-metrics.ts';
import type { ResolvedServerOptions } from './server-options.ts';
import type { Sessions } from './sessions.ts';

/** Life of a server: it answers `/health` with 200 only while `up`. */
export type LifePhase = 'starting' | 'up' | 'draining';

/** What the endpoints of one simulated server share. */
export interface ServerState {
  readonly options: ResolvedServerOptions;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: EngineLog;
  readonly inFlight: InFlightRequests;
  readonly sessions: Sessions;
  readonly faults: FaultPlan;
  readonly metrics: RequestMetrics;
  readonly toUnixSeconds: ToUnixSeconds;
  /** Engine time at which the server was ready, for `startup_time`. */
  readonly startedAt: number;
  phase: LifePhase;
  /** Closes the port for that many engine milliseconds. */
  refuseConnections(durationMs: number): void;
}
