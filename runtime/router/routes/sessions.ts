import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CodedError } from '../../shared/errors.ts';
import { routerError } from '../errors.ts';
import type { ApiKey } from '../keys/api-key.ts';
import type { ServerParts } from '../server-parts.ts';
import { JsonAnswer } from '../sessions/json-answer.ts';
import { decodeCursor, encodeCursor } from '../sessions/list-cursor.ts';
import {
  createSessionSchema,
  idempotencyKeySchema,
  listSessionsSchema,
  noFieldsSchema,
  sendMessageSchema,
  sessionIdPattern,
} from '../sessions/session-requests.ts';
import { sessionView } from '../sessions/session-view.ts';
import { StreamAnswer } from '../sessions/stream-answer.ts';
import type { Taken } from '../sessions/turns.ts';
import { parseRequest } from './worker-requests.ts';

interface OfSession {
  Params: { id: string };
}

/** The sessions API; see docs/sessions.md. Sessions belong to the API key that created them. */
export async function sessionRoutes(app: FastifyInstance, parts: ServerParts): Promise<void> {
  const { keys, config, messageLimits } = parts;
  const { sessions, turns } = parts.sessions;
  const bodyLimit = config.maxBodyBytes;
  acceptEmptyJson(app);

  const keyOf = (request: FastifyRequest): ApiKey => {
    const key = keys.authorize(request.headers, 'inference');
    if (key instanceof CodedError) throw key;
    return key;
  };
  const ownerOf = (request: FastifyRequest): string => keyOf(request).keyId;

  app.post('/api/sessions', { bodyLimit }, async (request, reply) => {
    const owner = ownerOf(request);
    const session = await sessions.create(owner, parseRequest(createSessionSchema, request.body, request));
    return reply.code(201).header('location', `/api/sessions/${session.id}`).send(session);
  });

  app.get('/api/sessions', async (request) => {
    const owner = ownerOf(request);
    const { limit, status, cursor } = parseRequest(listSessionsSchema, request.query, request);
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    if (cursor !== undefined && after === undefined) {
      const detail = 'cursor: expected the next_cursor of a page';
      throw routerError('INVALID_BODY', { route: '/api/sessions', detail }, { param: 'cursor' });
    }
    const rows = await sessions.list({ ownerKeyId: owner, status, after, limit: limit + 1 });
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return {
      object: 'list',
      data: page.map(sessionView),
      has_more: last !== undefined,
      next_cursor: last ? encodeCursor({ createdAtMs: last.created_at_ms, id: last.id }) : null,
    };
  });

  app.get<OfSession>('/api/sessions/:id', async (request) => sessions.get(ownerOf(request), idOf(request)));

  app.post<OfSession>('/api/sessions/:id/pause', async (request) => {
    const owner = ownerOf(request);
    parseRequest(noFieldsSchema, request.body, request);
    return sessions.pause(owner, idOf(request));
  });

  app.post<OfSession>('/api/sessions/:id/resume', async (request) => {
    const owner = ownerOf(request);
    parseRequest(noFieldsSchema, request.body, request);
    return sessions.resume(owner, idOf(request));
  });

  app.delete<OfSession>('/api/sessions/:id', async (request) => sessions.end(ownerOf(request), idOf(request)));

  app.post<OfSession>('/api/sessions/:id/messages', { bodyLimit }, async (request, reply) => {
    const key = keyOf(request);
    const sessionId = idOf(request);
    const { content, stream } = parseRequest(sendMessageSchema, request.body, request);
    const idempotencyKey = idempotencyKeyOf(request);
    const leave = messageLimits.enter(key, content);
    let isGiven = false;
    try {
      // Past Fastify: an answer that begins with its first event has them as well as a refusal.
      const headers = messageLimits.headers(key.keyId);
      for (let i = 0; i < headers.length; i += 2) reply.raw.setHeader(headers[i]!, headers[i + 1]!);
      const taken = await turns.take({ sessionId, ownerKeyId: key.keyId, content, idempotencyKey });
      const answer = openAnswer(reply, request.id, taken, stream, 1_000 * config.heartbeatSeconds);
      if (taken.recorded) answer.finish(taken.recorded);
      else {
        isGiven = true;
        await turns.run(taken.turn, answer);
      }
    } finally {
      leave(isGiven);
    }
  });
}

/** @throws UNKNOWN_SESSION for what cannot be an id */
function idOf(request: FastifyRequest<OfSession>): string {
  const { id } = request.params;
  if (!sessionIdPattern.test(id)) throw routerError('UNKNOWN_SESSION', { id });
  return id;
}

/** From here on the answer is written past Fastify: it begins with its first event. */
function openAnswer(reply: FastifyReply, requestId: string, taken: Taken, isStream: boolean, heartbeatMs: number) {
  const { recorded, turn } = taken;
  const { turnId } = recorded ?? turn;
  const model = recorded ? taken.model : (turn.model ?? turn.agent);
  reply.hijack();
  const response = reply.raw;
  response.setHeader('x-fleet-request-id', requestId);
  response.setHeader('x-fleet-turn-id', turnId);
  if (turn) response.setHeader('x-fleet-runner', turn.runnerId);
  else response.setHeader('x-fleet-replayed', 'true');
  return isStream ? new StreamAnswer(response, { turnId, model, heartbeatMs }) : new JsonAnswer(response, model);
}

/** @throws INVALID_BODY */
function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const parsed = idempotencyKeySchema.safeParse(request.headers['idempotency-key']);
  if (parsed.success) return parsed.data;
  const detail = `Idempotency-Key: ${parsed.error.issues[0]!.message}`;
  throw routerError('INVALID_BODY', { route: request.routeOptions.url!, detail }, { param: 'Idempotency-Key' });
}

/** Clients send `content-type: application/json` with every call, also with those that need no body. */
function acceptEmptyJson(app: FastifyInstance): void {
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : JSON.parse(body as string));
    } catch (error) {
      done(Object.assign(error as Error, { statusCode: 400 }), undefined);
    }
  });
}
