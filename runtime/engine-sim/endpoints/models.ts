import type { Exchange } from '../http/exchange.ts';
import type { ServerState } from '../server-state.ts';

function modelCard({ options }: ServerState) {
  return {
    id: options.modelName,
    object: 'model',
    created: Math.floor(Date.now() / 1_000),
    owned_by: 'sglang',
    root: options.modelName,
    parent: null,
    max_model_len: options.contextLength,
  };
}

/** GET /v1/models */
export function listModels(exchange: Exchange, server: ServerState): void {
  exchange.sendJson(200, { object: 'list', data: [modelCard(server)] });
}

/** GET /v1/models/{id}, where the id may hold slashes */
export function retrieveModel(exchange: Exchange, server: ServerState): void {
  const model = decodeURIComponent(exchange.path.slice('/v1/models/'.length));
  if (model === server.options.modelName) {
    exchange.sendJson(200, modelCard(server));
    return;
  }
  const message = `The model '${model}' does not exist`;
  const error = { message, type: 'invalid_request_error', param: 'model', code: 'model_not_found' };
  exchange.sendJson(404, { error });
}
