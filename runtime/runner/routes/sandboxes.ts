import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { fail as sandboxFail } from '../../sandboxes/errors.ts';
import type { SandboxPool } from '../../sandboxes/pool.ts';
import { type SandboxList, type SandboxSpec, sandboxesPath } from '../../shared/sandbox-protocol.ts';
import { sandboxSpecSchema, turnRequestSchema } from '../../shared/sandbox-schemas.ts';
import { fail } from '../errors.ts';
import { requireSecret } from './authorize.ts';
import { sendTurn } from './event-stream.ts';

interface ById {
  Params: { id: string };
}

/** A long session comes back with its whole transcript. */
const restoreLimitBytes = 64 * 1024 * 1024;
const turnLimitBytes = 4 * 1024 * 1024;

/** The routes by which routers use this runner's sandboxes; see shared/sandbox-protocol.ts. */
export function sandboxRoutes(pool: SandboxPool, secret: string | undefined) {
  return async (app: FastifyInstance): Promise<void> => {
    app.addHook('onRequest', requireSecret(secret));

    app.post(sandboxesPath, { bodyLimit: restoreLimitBytes }, async (request, reply) => {
      const { view, isNew } = await pool.create(parse(sandboxSpecSchema, request) as SandboxSpec);
      return reply.code(isNew ? 201 : 200).send(view);
    });

    app.get(sandboxesPath, (): SandboxList => ({ sandboxes: pool.list() }));

    app.get<ById>(`${sandboxesPath}/:id`, async ({ params: { id } }) => {
      const view = pool.get(id);
      if (!view) throw sandboxFail('UNKNOWN_SANDBOX', { sessionId: id });
      return view;
    });

    app.delete<ById>(`${sandboxesPath}/:id`, async ({ params: { id } }, reply) => {
      await pool.destroy(id);
      return reply.code(204).send();
    });

    app.post<ById>(`${sandboxesPath}/:id/messages`, { bodyLimit: turnLimitBytes }, async (request, reply) => {
      const leaving = new AbortController();
      reply.raw.once('close', () => leaving.abort());
      const events = await pool.openTurn(request.params.id, parse(turnRequestSchema, request), leaving.signal);
      reply.hijack();
      await sendTurn(reply.raw, events);
    });
  };
}

/** @throws INVALID_REQUEST with every mistake */
function parse<T>(schema: z.ZodType<T>, request: FastifyRequest): T {
  const result = schema.safeParse(request.body);
  if (result.success) return result.data;
  const reason = result.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; ');
  throw fail('INVALID_REQUEST', { reason }, { param: String(result.error.issues[0]?.path[0] ?? '') });
}
