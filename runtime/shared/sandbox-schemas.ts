import { z } from 'zod';

/** Parsers of the wire contract in sandbox-protocol.ts: what a router sends to a runner. */

const sessionId = z.string().min(1).max(200);

/** POST /sandboxes */
export const sandboxSpecSchema = z.strictObject({
  sessionId,
  agent: z.string().min(1).max(100),
  model: z.string().min(1).max(500).optional(),
  system: z.string().optional(),
  metadata: z.record(z.string().max(200), z.string().max(10_000)).optional(),
  restore: z
    .strictObject({
      messages: z.array(z.strictObject({ role: z.enum(['user', 'assistant']), content: z.string() })),
      state: z.unknown(),
    })
    .optional(),
});

/** POST /sandboxes/:id/messages */
export const turnRequestSchema = z.strictObject({
  turnId: z.string().min(1).max(200),
  content: z.string().max(1_000_000),
});
