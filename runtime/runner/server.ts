import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { bearerToken, secretsEqual } from '../shared/auth.ts';
import { CodedError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { EngineStatus } from './engine/engine.ts';
import { fail } from './errors.ts';
import type { RunnerOptions } from './options.ts';

/** Answer of `GET /health`. It is 200 whenever the runner itself works; the engine's state is a field. */
export interface RunnerHealth {
  readonly status: 'ok' | 'draining' | 'drained';
  readonly runnerId: string;
  readonly version: string;
  readonly engineUrl: string;
  readonly model: string | null;
  readonly engine: EngineStatus;
  readonly pool: PoolStatistics;
}

export interface PoolStatistics {
  readonly activeCount: number;
  readonly warmingCount: number;
  readonly maxSandboxes: number;
}

/** What the control surface may ask of the runner. */
export interface RunnerControl {
  health(): RunnerHealth;
  /** Starts the drain unless it runs already; returns at once. */
  beginDrain(reason: string): void;
}

export interface RunningServer {
  /** The port it listens on. */
  readonly port: number;
  close(): Promise<void>;
}

/** Listens for control calls. @throws PORT_IN_USE */
export async function startServer(control: RunnerControl, options: RunnerOptions, log: Logger): Promise<RunningServer> {
  const { listenHost: host, port, internalSecret } = options;
  const server = createServer(control, internalSecret, log);
  try {
    await server.listen({ host, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
      throw fail('PORT_IN_USE', { host, port }, { cause: error });
    throw error;
  }
  const { port: actualPort } = server.server.address() as AddressInfo;
  log.info('runner listening', { host, port: actualPort });
  return { port: actualPort, close: () => server.close() };
}

/**
 * The runner's control surface. Reading is open; what changes something needs the fleet's secret when there is one.
 * @param secret undefined leaves every route open
 */
export function createServer(control: RunnerControl, secret: string | undefined, log: Logger): FastifyInstance {
  const server = Fastify({ forceCloseConnections: true });
  server.addHook('onRequest', async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') authorize(request, secret);
  });
  server.setNotFoundHandler((request) => {
    throw fail('NOT_FOUND', { method: request.method, path: request.url });
  });
  server.setErrorHandler((error, request, reply) => {
    const translated = translate(error);
    if (translated.status >= 500) log.error('request failed', { path: request.url, error });
    return reply.code(translated.status).send(translated.toBody());
  });

  server.get('/health', () => control.health());
  server.post('/drain', (_request, reply) => {
    control.beginDrain('POST /drain');
    return reply.code(202).send(control.health());
  });
  return server;
}

function authorize(request: FastifyRequest, secret: string | undefined): void {
  if (secret === undefined) return;
  const given = bearerToken(request.headers.authorization);
  if (given === undefined || !secretsEqual(given, secret)) throw fail('UNAUTHORIZED');
}

/** Fastify's own complaints (a body that is no JSON, a body that is too large) carry a status below 500. */
function translate(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (statusCode !== undefined && statusCode < 500) return fail('INVALID_REQUEST', { reason: message ?? '' });
  return fail('INTERNAL', {}, { cause: error });
}
