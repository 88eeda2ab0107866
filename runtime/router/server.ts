import http from 'node:http';
import https from 'node:https';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '../shared/log.ts';
import type { RouterConfig } from './config.ts';
import { createControlApp } from './control-app.ts';
import type { Coordinator } from './coordinator/coordinator.ts';
import type { Registry } from './coordinator/registry.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { requireScope } from './keys/require-scope.ts';
import type { RouterMetrics } from './metrics.ts';
import type { Relay } from './relay/relay.ts';
import { registerAdminRoutes } from './routes/admin.ts';
import { healthRoutes } from './routes/health.ts';
import { modelRoutes } from './routes/models.ts';
import { sessionRoutes } from './routes/sessions.ts';
import type { SessionService } from './sessions/session-service.ts';
import type { Store } from './store/store.ts';
import type { ListenerTls } from './tls.ts';

export interface ServerParts {
  readonly config: RouterConfig;
  readonly relay: Relay;
  readonly registry: Registry;
  readonly coordinator: Coordinator;
  readonly store: Store;
  readonly sessions: SessionService;
  readonly metrics: RouterMetrics;
  readonly keys: KeyRing;
  readonly log: Logger;
  /** Certificate of the listener; undefined serves plain HTTP. */
  readonly tls: ListenerTls | undefined;
}

/** Longer than the idle time-out of load balancers in front, so that they and not we close an idle connection. */
const keepAliveTimeoutMs = 910_000;
const httpOptions = { noDelay: true, maxHeaderSize: 128 * 1024 };

/**
 * One port, two halves: generation requests go straight from Node's HTTP server to the relay, without a framework on
 * their way; everything else is the Fastify control surface.
 */
export async function createServer(parts: ServerParts): Promise<FastifyInstance> {
  const { relay, tls, log, keys, config } = parts;
  const app = createControlApp(log, {
    serverFactory: (control) => {
      const listener: http.RequestListener = (request, response) => {
        if (relay.carries(request.url!)) void relay.handle(request, response);
        else control(request, response);
      };
      const server = tls
        ? https.createServer({ ...httpOptions, cert: tls.cert, key: tls.key }, listener)
        : http.createServer(httpOptions, listener);
      server.keepAliveTimeout = keepAliveTimeoutMs;
      return server as http.Server;
    },
  });
  await app.register(healthRoutes, parts);
  await app.register(async (scope) => {
    scope.addHook('onRequest', requireScope(keys, 'inference'));
    await modelRoutes(scope, parts);
  });
  await app.register(sessionRoutes, parts);
  if (config.adminPort === undefined) await registerAdminRoutes(app, parts, 'shared');
  return app;
}
