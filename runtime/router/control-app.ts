import { randomUUID } from 'node:crypto';
import fastify, { type FastifyHttpOptions, type FastifyInstance } from 'fastify';
import { CodedError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { routerError } from './errors.ts';

export type ControlAppOptions = Pick<FastifyHttpOptions<import('node:http').Server>, 'serverFactory'>;

/** A control surface without routes: request ids, coded errors, and a 404 that says what there is. */
export function createControlApp(log: Logger, options: ControlAppOptions = {}): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: 1024 * 1024,
    genReqId: () => randomUUID().replaceAll('-', ''),
    ...options,
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-fleet-request-id', request.id);
  });
  app.setNotFoundHandler((request) => {
    throw routerError('UNKNOWN_ROUTE', { method: request.method, path: request.url.split('?')[0]! });
  });
  app.setErrorHandler((error, request, reply) => {
    const coded = toCoded(error, request.routeOptions.url ?? request.url);
    // The store logs the beginning of an outage, its end, and how many calls it refused.
    const isOutage = coded.code === 'STORE_UNAVAILABLE';
    if (coded.status >= 500 && !isOutage) log.error('request failed', { requestId: request.id, error });
    if (coded.status === 401) reply.header('www-authenticate', 'Bearer');
    if (coded.retryAfterSeconds !== undefined) reply.header('retry-after', coded.retryAfterSeconds);
    return reply.code(coded.status).send(coded.toBody());
  });
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
