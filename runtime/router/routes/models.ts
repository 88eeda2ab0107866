import type { FastifyInstance } from 'fastify';
import type { ModelCard } from '../coordinator/worker.ts';
import { routerError } from '../errors.ts';
import type { ServerParts } from '../server-parts.ts';

/** `GET /v1/models`: the union over workers, each model once, as the engines describe it. */
export async function modelRoutes(app: FastifyInstance, { registry }: ServerParts): Promise<void> {
  const cards = () => {
    const byId = new Map<string, ModelCard>();
    for (const worker of registry.workers) {
      for (const card of worker.models) if (!byId.has(card.id)) byId.set(card.id, card);
    }
    return byId;
  };

  app.get('/v1/models', async () => ({ object: 'list', data: [...cards().values()] }));

  app.get<{ Params: { '*': string } }>('/v1/models/*', async (request) => {
    const model = request.params['*'];
    const served = cards();
    const card = served.get(model);
    if (!card) {
      throw routerError(
        'UNKNOWN_MODEL',
        { model, served: [...served.keys()].join(', ') || 'none yet' },
        { param: 'model' },
      );
    }
    return card;
  });
}
