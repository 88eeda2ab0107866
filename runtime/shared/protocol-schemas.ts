import { z } from 'zod';

/**
 * Parsers of the wire contract in protocol.ts.
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

export const engineStateSchema = z.enum(['starting', 'ready', 'draining', 'down']);

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

/** POST /api/internal/runners/heartbeat, every 10 s and at each change of the engine's state */
export const heartbeatSchema = z.object({
  runnerId: z.string().min(1).max(200),
  activeCount: count,
  warmingCount: count,
  engineState: engineStateSchema.optional(),
  load: engineLoadSchema.optional(),
});

/** One event of GET /internal/load */
export const loadReportSchema = z.object({
  engineState: engineStateSchema,
  /** Left out while the engine cannot say. */
  load: engineLoadSchema.optional(),
  activeCount: count,
  warmingCount: count,
});

/** POST /api/internal/runners/deregister */
export const deregisterSchema = z.object({ runnerId: z.string().min(1).max(200) });
