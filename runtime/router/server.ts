import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { createControlApp } from './control-app.ts';
import { controlListener, FrontServer } from './front/front-server.ts';
import { maxHeadBytes } from './front/request-head.ts';
import { requireScope } from './keys/require-scope.ts';
import { registerAdminRoutes } from './routes/admin.ts';
import { healthRoutes } from './routes/health.ts';
import { modelRoutes } from './routes/models.ts';
import { sessionRoutes } from './routes/sessions.ts';
import type { ServerParts } from './server-parts.ts';

export interface RouterServer {
  readonly address: AddressInfo;
  /** Rejects when the port is taken. */
  listen(port: number, host: string): Promise<void>;
  /** A new certificate for connections to come. */
  setSecureContext(context: SecureContextOptions): void;
  /** Ends what is open. */
  close(): Promise<void>;
}

/**
 * One port, two halves: generation requests go straight from their sockets to the relay, without a framework on their
 * way; everything else is the Fastify control surface.
 */
export async function createServer(parts: ServerParts): Promise<RouterServer> {
  const { relay, tls, log, keys, config } = parts;
  const app = createControlApp(log, {
    serverFactory: (handle) => http.createServer({ maxHeaderSize: maxHeadBytes }, controlListener(handle)),
  });
  await app.register(healthRoutes, parts);
  await app.register(async (scope) => {
    scope.addHook('onRequest', requireScope(keys, 'inference'));
    await modelRoutes(scope, parts);
  });
  await app.register(sessionRoutes, parts);
  if (config.adminPort === undefined) await registerAdminRoutes(app, parts, 'shared');
  await app.ready();
  const front = new FrontServer({
    carries: (target) => relay.carries(target),
    relay: (request, response) => void relay.handle(request, response),
    control: app.server,
    tls,
    timeouts: { idleMs: 1_000 * config.keepAliveSeconds },
  });
  return {
    get address() {
      return front.address;
    },
    listen: (port, host) => front.listen(port, host),
    setSecureContext: (context) => front.setSecureContext(context),
    async close() {
      await front.close();
      await app.close();
    },
  };
}
