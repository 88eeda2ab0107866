import type { FastifyInstance } from 'fastify';
import type { ServerParts } from '../server-parts.ts';

/** `GET /metrics`: Prometheus. */
export async function metricsRoutes(app: FastifyInstance, { metrics }: ServerParts): Promise<void> {
  app.get('/metrics', async (_request, reply) =>
    reply.header('content-type', metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}
