import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { bearerToken, secretsEqual } from '../../shared/auth.ts';
import { deregisterPath, type HeartbeatAnswer, heartbeatPath, registerPath } from '../../shared/protocol.ts';
import { deregisterSchema, heartbeatSchema, registerSchema } from '../../shared/protocol-schemas.ts';
import { routerError } from '../errors.ts';
import type { ServerParts } from '../server-parts.ts';

/** The internal routes that runners call; see shared/protocol.ts. */
export async function runnerRoutes(app: FastifyInstance, parts: ServerParts): Promise<void> {
  const { coordinator, config } = parts;
  app.addHook('onRequest', async (request) => {
    if (config.internalSecret === undefined) return;
    const token = bearerToken(request.headers.authorization);
    if (token === undefined || !secretsEqual(token, config.internalSecret)) throw routerError('UNAUTHORIZED');
  });

  app.post(registerPath, async (request) => {
    await coordinator.register(parse(registerSchema, request), Date.now());
    return { coordinatorId: coordinator.id };
  });

  app.post(heartbeatPath, async (request) => {
    const heartbeat = parse(heartbeatSchema, request);
    const isKnown = await coordinator.heartbeat(heartbeat, Date.now());
    if (!isKnown) throw routerError('UNKNOWN_RUNNER', { runnerId: heartbeat.runnerId });
    return heartbeatAnswer(heartbeat.runnerId, parts);
  });

  app.post(deregisterPath, async (request) => {
    await coordinator.deregister(parse(deregisterSchema, request).runnerId, Date.now());
    return { coordinatorId: coordinator.id };
  });
}

function heartbeatAnswer(runnerId: string, { coordinator, registry, relay }: ServerParts): HeartbeatAnswer {
  const worker = registry.workerOf(runnerId);
  return {
    coordinatorId: coordinator.id,
    ...(worker && {
      inFlightRequests: worker.inFlightRequests,
      oldestRequestSeconds: relay.oldestRequestMs(worker) / 1_000,
      otherReadyWorkers: registry.readyBeside(worker).length,
    }),
  };
}

/** Throws INVALID_BODY with every mistake: path, what was expected. */
function parse<T>(schema: z.ZodType<T>, request: FastifyRequest): T {
  const result = schema.safeParse(request.body);
  if (result.success) return result.data;
  const detail = result.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; ');
  throw routerError(
    'INVALID_BODY',
    { route: request.routeOptions.url!, detail },
    { param: String(result.error.issues[0]?.path[0] ?? '') },
  );
}
