import type { FastifyInstance } from 'fastify';
import { createControlApp } from '../control-app.ts';
import { requireScope } from '../keys/require-scope.ts';
import type { ServerParts } from '../server-parts.ts';
import { fleetRoutes } from './fleet.ts';
import { healthRoutes } from './health.ts';
import { metricsRoutes } from './metrics.ts';
import { runnerRoutes } from './runners.ts';
import { workerDrainRoutes } from './worker-drain.ts';
import { workerRoutes } from './workers.ts';

/** Whether clients can reach the listener: on a shared one everything but health needs a credential once keys are set. */
export type AdminListener = 'shared' | 'separate';

/**
 * Everything that is not for clients. Changing the list of workers takes the admin scope on any listener. On a shared one
 * looking at the fleet takes it too, and so do the internal routes when they have no secret of their own.
 */
export async function registerAdminRoutes(
  app: FastifyInstance,
  parts: ServerParts,
  listener: AdminListener,
): Promise<void> {
  const needsAdmin = requireScope(parts.keys, 'admin');
  const isShared = listener === 'shared';
  await app.register(async (scope) => {
    if (isShared) scope.addHook('onRequest', needsAdmin);
    await metricsRoutes(scope, parts);
    await fleetRoutes(scope, parts);
  });
  await app.register(async (scope) => {
    scope.addHook('onRequest', needsAdmin);
    await workerRoutes(scope, parts);
    await workerDrainRoutes(scope, parts);
  });
  await app.register(async (scope) => {
    if (isShared && parts.config.internalSecret === undefined) scope.addHook('onRequest', needsAdmin);
    await runnerRoutes(scope, parts);
  });
}

/** The second listener, for `--admin-port`: internal, admin and metrics routes, and health for whoever watches it. */
export async function createAdminServer(parts: ServerParts): Promise<FastifyInstance> {
  const app = createControlApp(parts.log);
  await app.register(healthRoutes, parts);
  await registerAdminRoutes(app, parts, 'separate');
  return app;
}
