import type { FastifyInstance } from 'fastify';
import { type FleetView, fleetPath } from '../../shared/protocol.ts';
import { version } from '../../shared/version.ts';
import type { ServerParts } from '../server-parts.ts';

/** `GET /api/fleet`: the fleet as this router sees it, for `fleet status` and the page. */
export async function fleetRoutes(
  app: FastifyInstance,
  { registry, coordinator, config, managed }: ServerParts,
): Promise<void> {
  app.get(
    fleetPath,
    async (): Promise<FleetView> => ({
      coordinatorId: coordinator.id,
      version,
      policy: managed ? `of sglang-router ${managed.view.version}` : config.policy,
      uptimeSeconds: process.uptime(),
      workers: registry.workers.map((worker) => worker.toView(Date.now())),
    }),
  );
}
