import { z } from 'zod';

/**
 * The wire contract between runners and routers (JSON over HTTP).
 * Unknown fields are dropped, so that a newer runner can talk to an older router.
 */

const port = z.int().min(1).max(65_535);
const count = z.int().min(0);

/** What a runner says about its engine; all counts are of this moment. */
export const engineLoadSchema = z.object({
  runningRequests: count,
  waitingRequests: count,
  usedTokens: count,
  /** Size of the KV pool, in tokens. */
  maxTotalTokens: count,
});
export type EngineLoad = z.infer<typeof engineLoadSchema>;

export const engineStateSchema = z.enum(['starting', 'ready', 'draining', 'down']);
export type EngineState = z.infer<typeof engineStateSchema>;

/** POST /api/internal/runners/register */
export const registerSchema = z.object({
  runnerId: z.string().min(1).max(200),
  /** Address at which routers reach the runner. */
  host: z.string().min(1).max(253),
  port,
  maxSandboxes: count,
  engineUrl: z.url({ protocol: /^https?$/ }).optional(),
  model: z.string().min(1).optional(),
  instanceId: z.string().min(1).optional(),
  version: z.string().optional(),
  /** @default ready: a runner registers once its engine generates */
  engineState: engineStateSchema.optional(),
});
export type RunnerRegistration = z.infer<typeof registerSchema>;

/** POST /api/internal/runners/heartbeat, every 10 s and at each change of the engine's state */
export const heartbeatSchema = z.object({
  runnerId: z.string().min(1).max(200),
  activeCount: count,
  warmingCount: count,
  engineState: engineStateSchema.optional(),
  load: engineLoadSchema.optional(),
});
export type RunnerHeartbeat = z.infer<typeof heartbeatSchema>;

/** POST /api/internal/runners/deregister */
export const deregisterSchema = z.object({ runnerId: z.string().min(1).max(200) });

export const heartbeatIntervalMs = 10_000;
/** A runner without a heartbeat for this long is dead. */
export const heartbeatTimeoutMs = 30_000;

export const registerPath = '/api/internal/runners/register';
export const heartbeatPath = '/api/internal/runners/heartbeat';
export const deregisterPath = '/api/internal/runners/deregister';
/** Fleet state for `fleet status` and the page; see FleetView. */
export const fleetPath = '/api/fleet';

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
