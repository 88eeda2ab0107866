import type { FastifyInstance } from 'fastify';
import type { WorkerState } from '../coordinator/worker.ts';
import { engineView } from '../managed/engine-view.ts';
import type { ServerParts } from '../server-parts.ts';

/**
 * `GET /health`: the process lives and takes requests, with workers or without: what a load balancer in front asks. 503 while
 * it shuts down. `GET /ready`: it can answer inference requests now. Open to everybody.
 */
export async function healthRoutes(
  app: FastifyInstance,
  { registry, coordinator, relay, managed, store }: ServerParts,
): Promise<void> {
  const counts = () => {
    const byState: Record<WorkerState, number> = { starting: 0, ready: 0, suspect: 0, draining: 0, gone: 0 };
    for (const worker of registry.workers) byState[worker.state]++;
    const { gone: _, ...present } = byState;
    return present;
  };

  app.get('/health', async (_request, reply) =>
    reply.code(relay.isDraining ? 503 : 200).send({
      status: relay.isDraining ? 'shutting down' : 'ok',
      coordinatorId: coordinator.id,
      engine: engineView(managed, registry),
      // Inference does not need it, sessions do.
      store: store.database.isAvailable ? 'available' : 'unavailable',
      workers: counts(),
    }),
  );

  app.get('/ready', async (_request, reply) => {
    const isServing = managed ? managed.upstream !== undefined : registry.ready.length > 0;
    const status = relay.isDraining ? 'shutting down' : isServing ? 'ready' : 'no worker is ready';
    return reply.code(status === 'ready' ? 200 : 503).send({ status, workers: counts() });
  });
}
