import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import type { SandboxPool } from '../sandboxes/pool.ts';
import { CodedError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { runnerDrainPath } from '../shared/protocol.ts';
import type { PoolStatistics } from '../shared/sandbox-protocol.ts';
import type { EngineStatus } from './engine/engine.ts';
import { fail } from './errors.ts';
import { acceptHttp2 } from './http2-on-port.ts';
import type { LoadFeed } from './load-feed.ts';
import type { RunnerOptions } from './options.ts';
import { requireSecret } from './routes/authorize.ts';
import { loadRoute } from './routes/load.ts';
import { routersRoute } from './routes/routers.ts';
import { sandboxRoutes } from './routes/sandboxes.ts';

/** Answer of `GET /health`. It is 200 whenever the runner itself works; the engine's state is a field. */
export interface RunnerHealth {
  readonly status:
    | 'ok'
    | 'draining'
    | 'drained'
    /** For the warm pool of its Auto Scaling group: not on the routers' lists. */
    | 'preparing'
    | 'prepared';
  readonly runnerId: string;
  readonly version: string;
  readonly engineUrl: string;
  readonly model: string | null;
  readonly engine: EngineStatus;
  readonly pool: PoolStatistics;
  readonly lifecycle: LifecycleView;
}

/** The machine under the runner, and what it has to leave for. */
export interface LifecycleView {
  /** Null off AWS. */
  readonly instanceId: string | null;
  readonly groupName: string | null;
  /** What the Auto Scaling group wants of the instance, e.g. `InService`. */
  readonly targetState: string | null;
  /** Empty while the runner does not drain. */
  readonly drainCauses: readonly string[];
  /** ISO 8601. */
  readonly drainDeadline: string | null;
  /** Switched on by the runner itself, for a job that is longer than its drain. */
  readonly isProtectedFromScaleIn: boolean;
}

/** What the control surface may ask of the runner. */
export interface RunnerControl {
  readonly loadFeed: LoadFeed;
  health(): RunnerHealth;
  /** A router says where it is. */
  hearRouter(routerUrl: string): void;
  /** Starts the drain unless it runs already; returns at once. */
  beginDrain(): void;
}

export interface RunningServer {
  /** The port it listens on. */
  readonly port: number;
  close(): Promise<void>;
}

/** A session's id in a path, with every character escaped. */
const maxPathPartLength = 2_000;

/** Listens for control calls. @throws PORT_IN_USE */
export async function startServer(
  control: RunnerControl,
  pool: SandboxPool,
  options: RunnerOptions,
  log: Logger,
): Promise<RunningServer> {
  const { listenHost: host, port, internalSecret } = options;
  const server = createServer(control, pool, internalSecret, log);
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
 * The runner's control surface. Its health is open; all else needs the fleet's secret when there is one.
 * @param secret undefined leaves every route open
 */
export function createServer(
  control: RunnerControl,
  pool: SandboxPool,
  secret: string | undefined,
  log: Logger,
): FastifyInstance {
  const server = Fastify({ forceCloseConnections: true, routerOptions: { maxParamLength: maxPathPartLength } });
  const endHttp2 = acceptHttp2(server.server, (request, response) =>
    // Node's HTTP/2 offers the interface of its HTTP/1.1.
    server.routing(request as unknown as IncomingMessage, response as unknown as ServerResponse),
  );
  server.addHook('preClose', async () => endHttp2());
  server.setNotFoundHandler((request) => {
    throw fail('NOT_FOUND', { method: request.method, path: request.url });
  });
  server.setErrorHandler((error, request, reply) => {
    const translated = translate(error);
    if (translated.status >= 500) log.error('request failed', { path: request.url, error });
    if (translated.retryAfterSeconds !== undefined) reply.header('retry-after', translated.retryAfterSeconds);
    return reply.code(translated.status).send(translated.toBody());
  });

  server.get('/health', () => control.health());
  server.post(runnerDrainPath, { onRequest: requireSecret(secret) }, (_request, reply) => {
    control.beginDrain();
    return reply.code(202).send(control.health());
  });
  server.register(sandboxRoutes(pool, secret));
  server.register(loadRoute(control.loadFeed, secret));
  server.register(routersRoute((routerUrl) => control.hearRouter(routerUrl), secret));
  return server;
}

/** Fastify's own complaints (a body that is no JSON, a body that is too large) carry a status below 500. */
function translate(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (statusCode !== undefined && statusCode < 500) return fail('INVALID_REQUEST', { reason: message ?? '' });
  return fail('INTERNAL', {}, { cause: error });
}
