import { z } from 'zod';

/** Bodies and queries of the sessions API. Strict: a field that nobody reads is a mistake that its sender should hear of. */

const name = z.string().min(1).max(200);

export const createSessionSchema = z.strictObject({
  /** An agent that the runners have; `chat` is built in. */
  agent: name.regex(/^[\w.-]+$/, 'letters, digits, "_", "." and "-"').default('chat'),
  /** The model that the agent asks for; needed where the fleet serves several and the agent does not choose. */
  model: name.regex(/^[^\p{Cc}\p{Cs}]+$/u, 'no control characters').optional(),
  /** System prompt. */
  system: z.string().max(1_000_000).optional(),
  /** Up to 16 pairs of strings, for the client's own use and the agent's. */
  metadata: z
    .record(z.string().min(1).max(64), z.string().max(512))
    .refine((pairs) => Object.keys(pairs).length <= 16, 'expected at most 16 pairs')
    .optional(),
});
export type CreateSession = z.infer<typeof createSessionSchema>;

export const sendMessageSchema = z.strictObject({
  content: z.string('expected the text of the message').min(1, 'expected the text of the message'),
  /** An event stream as the model writes, or one JSON answer at the end. */
  stream: z.boolean().default(true),
});

export const listSessionsSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  status: z.enum(['starting', 'active', 'paused', 'ended']).optional(),
  /** `next_cursor` of the page before. */
  cursor: z.string().optional(),
});

/** What a session's id looks like; anything else is nobody's. */
export const sessionIdPattern = /^\w{1,64}$/;

export const noFieldsSchema = z.strictObject({});

/** Header of a message that makes sending it again safe. */
export const idempotencyKeySchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'expected 1 to 255 printable ASCII characters without spaces')
  .optional();
