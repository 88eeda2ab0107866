import type { z } from 'zod';
import type {
  engineLoadSchema,
  engineStateSchema,
  heartbeatSchema,
  loadReportSchema,
  registerSchema,
} from './protocol-schemas.ts';

/**
 * The wire contract between runners and routers (JSON over HTTP): its types, paths and times. Its parsers stand in
 * protocol-schemas.ts, so that a runner, which only sends, does not load a schema library.
 */

/** What a runner says about its engine; all counts are of this moment. */
export type EngineLoad = z.infer<typeof engineLoadSchema>;
export type EngineState = z.infer<typeof engineStateSchema>;
/** POST /api/internal/runners/register */
export type RunnerRegistration = z.infer<typeof registerSchema>;
/** POST /api/internal/runners/heartbeat, every 10 s and at each change of the engine's state */
export type RunnerHeartbeat = z.infer<typeof heartbeatSchema>;
/** What a runner pushes to each router that listens at GET /internal/load (event stream) */
export type LoadReport = z.infer<typeof loadReportSchema>;

/**
 * Answer to a heartbeat: what the router knows of the runner's worker and the runner cannot know. A router that is older
 * sends `coordinatorId` alone.
 */
export interface HeartbeatAnswer {
  readonly coordinatorId: string;
  /** Requests that this router has sent to the worker and not passed on to the end. */
  readonly inFlightRequests?: number;
  /** Age of the oldest of them, 0 when there is none. */
  readonly oldestRequestSeconds?: number;
  /** Other workers that take requests for the same model now. */
  readonly otherReadyWorkers?: number;
}

export const heartbeatIntervalMs = 10_000;
/** A runner without a heartbeat for this long is dead. */
export const heartbeatTimeoutMs = 30_000;

export const registerPath = '/api/internal/runners/register';
export const heartbeatPath = '/api/internal/runners/heartbeat';
export const deregisterPath = '/api/internal/runners/deregister';
/** Paths on the runner. */
export const runnerDrainPath = '/drain';
export const loadPath = '/internal/load';
/** `{"port","host"}`: a router that found the runner says where its internal routes are; `host` where it listens on one. */
export const announcePath = '/internal/routers';
/** Between two looks of a router at its worker groups; after each it says where it is. */
export const discoveryIntervalMs = 15_000;
/** Between two looks of a runner at its engine while a router listens. */
export const loadIntervalMs = 250;
/** Longest silence of a load stream: an unchanged report is sent again after it. */
export const loadRepeatMs = 2_000;
/** Fleet state for `fleet status` and the page; see FleetView. */
export const fleetPath = '/api/fleet';

/** Path on the router by which an operator drains a worker. @param id of the worker, its runner or its instance */
export function workerDrainPath(id: string): string {
  return `${fleetPath}/workers/${id}/drain`;
}

/** Answer of that path: the drain has begun. */
export interface WorkerDrain {
  readonly worker: string;
  readonly runnerId: string;
  /** Requests of this router that still run on it. */
  readonly inFlightRequests: number;
}

/** One worker as `GET /api/fleet` shows it. */
export interface WorkerView {
  readonly id: string;
  readonly url: string;
  readonly model: string | null;
  readonly state: 'starting' | 'ready' | 'suspect' | 'draining' | 'gone';
  /** Where the worker is known from. */
  readonly sources: readonly ('runner' | 'static' | 'asg')[];
  readonly runnerId: string | null;
  readonly instanceId: string | null;
  readonly inFlightRequests: number;
  readonly inFlightTokens: number;
  /** Requests that this router completed on the worker. */
  readonly completedRequests: number;
  readonly failedRequests: number;
  /** Learned prefill rate in tokens per second, null before the first observation. */
  readonly prefillTokensPerSecond: number | null;
  /** Share of prompt tokens served from the engine's cache, 0 to 1; null before the first answer that said so. */
  readonly tokenHitRate: number | null;
  readonly load: EngineLoad | null;
  readonly lastHeartbeatAgeSeconds: number | null;
}

/** Answer of `GET /api/fleet`. */
export interface FleetView {
  readonly coordinatorId: string;
  readonly version: string;
  readonly policy: string;
  readonly uptimeSeconds: number;
  readonly workers: readonly WorkerView[];
}
