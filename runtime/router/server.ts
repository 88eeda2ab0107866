import { randomUUID } from 'node:crypto';
import http from 'node:http';
import fastify, { type FastifyInstance } from 'fastify';
import { CodedError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { RouterConfig } from './config.ts';
import type { Coordinator } from './coordinator/coordinator.ts';
import type { Registry } from './coordinator/registry.ts';
import { routerError } from './errors.ts';
import type { RouterMetrics } from './metrics.ts';
import type { Relay } from './relay/relay.ts';
import { fleetRoutes } from './routes/fleet.ts';
import { healthRoutes } from './routes/health.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { modelRoutes } from './routes/models.ts';
import { runnerRoutes } from './routes/runners.ts';

export interface ServerParts {
  readonly config: RouterConfig;
  readonly relay: Relay;
  readonly registry: Registry;
  readonly coordinator: Coordinator;
  readonly metrics: RouterMetrics;
  readonly log: Logger;
}

/** Longer than the idle time-out of load balancers in front, so that they and not we close an idle connection. */
const keepAliveTimeoutMs = 910_000;

/**
 * One port, two halves: generation requests go straight from Node's HTTP server to the relay, without a framework on
 * their way; everything else is the Fastify control surface.
 */
export async function createServer(parts: ServerParts): Promise<FastifyInstance> {
  const { relay, log } = parts;
  const app = fastify({
    logger: false,
    bodyLimit: 1024 * 1024,
    genReqId: () => randomUUID().replaceAll('-', ''),
    serverFactory: (control) => {
      const server = http.createServer({ noDelay: true, maxHeaderSize: 128 * 1024 }, (request, response) => {
        if (relay.carries(request.url!)) void relay.handle(request, response);
        else control(request, response);
      });
      server.keepAliveTimeout = keepAliveTimeoutMs;
      return server;
    },
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-fleet-request-id', request.id);
  });
  app.setNotFoundHandler((request) => {
    throw routerError('UNKNOWN_ROUTE', { method: request.method, path: request.url.split('?')[0]! });
  });
  app.setErrorHandler((error, request, reply) => {
    const coded = toCoded(error, request.routeOptions.url ?? request.url);
    if (coded.status >= 500) log.error('request failed', { requestId: request.id, error });
    return reply.code(coded.status).send(coded.toBody());
  });
  await app.register(healthRoutes, parts);
  await app.register(metricsRoutes, parts);
  await app.register(modelRoutes, parts);
  await app.register(fleetRoutes, parts);
  await app.register(runnerRoutes, parts);
  return app;
}

/** Fastify's own refusals (bad JSON, too large, wrong type) become ours. */
function toCoded(error: unknown, route: string): CodedError {
  if (error instanceof CodedError) return error;
  const { statusCode, message } = error as { statusCode?: number; message: string };
  const isClientMistake = statusCode !== undefined && statusCode >= 400 && statusCode < 500;
  return isClientMistake
    ? routerError('INVALID_BODY', { route, detail: message }, { cause: error })
    : routerError('INTERNAL', {}, { cause: error });
}
