import { z } from 'zod';

/**
 * Faults that a simulated engine shows on demand. All but `refuse` wait for the next generation requests, one fault each.
 * Times are engine milliseconds, so that they shrink with the time scale.
 */
const target = {
  /** How many requests it strikes. */
  count: z.int().min(1).default(1),
  /** Only requests whose path starts so. */
  path: z.string().startsWith('/').optional(),
};
/** Steps (tokens of any choice) that still go out before the fault shows. */
const afterTokens = z.int().min(0).default(3);

export const faultSchema = z.discriminatedUnion('kind', [
  /** The port is closed for a while: connections are refused. Running requests go on. */
  z.strictObject({ kind: z.literal('refuse'), durationMs: z.number().positive().default(5_000) }),
  /** The connection is reset before any answer. */
  z.strictObject({ kind: z.literal('reset'), ...target }),
  /** The request is read and never answered. */
  z.strictObject({ kind: z.literal('hang'), ...target }),
  /** The answer starts late. */
  z.strictObject({ kind: z.literal('slow-first-byte'), delayMs: z.number().positive().default(5_000), ...target }),
  /** The answer stops half way and the connection stays open. */
  z.strictObject({ kind: z.literal('stall-mid-stream'), afterTokens, ...target }),
  /** The answer stops half way and the connection is closed, as by a crash. */
  z.strictObject({ kind: z.literal('die-mid-stream'), afterTokens, ...target }),
  /** The request is refused as if the waiting queue were full. */
  z.strictObject({ kind: z.literal('overload'), ...target }),
  /** `Content-Length` says more than the body has. Strikes answers that do not stream. */
  z.strictObject({ kind: z.literal('wrong-content-length'), ...target }),
]);

export type Fault = z.infer<typeof faultSchema>;
/** A fault that strikes a request. */
export type RequestFault = Exclude<Fault, { kind: 'refuse' }>;
