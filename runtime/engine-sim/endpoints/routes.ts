import { abortRequest, closeSession, flushCache, openSession, refuseEmbedding } from './administration.ts';
import { chatCompletions } from './chat-completions.ts';
import { completions } from './completions.ts';
import { embeddings } from './embeddings.ts';
import { armFault, clearFaults, listFaults } from './faults.ts';
import { generate } from './generate.ts';
import { health } from './health.ts';
import { deprecated, modelInfo, ping, root, serverInfo } from './information.ts';
import { loads } from './loads.ts';
import { countTokens, messages } from './messages.ts';
import { metrics } from './metrics.ts';
import { listModels, retrieveModel } from './models.ts';
import { ollamaChat, ollamaGenerate, ollamaTags } from './ollama.ts';
import { openApi } from './open-api.ts';
import { responses } from './responses.ts';
import type { Handler, Route } from './route.ts';
import { detokenize, tokenize } from './tokenization.ts';

const get = (handler: Handler) => ({ GET: handler });
const post = (handler: Handler) => ({ POST: handler });
const getOrPost = (handler: Handler) => ({ GET: handler, POST: handler });
const postOrPut = (handler: Handler) => ({ POST: handler, PUT: handler });
/** Accepted and without effect. */
const accept: Handler = (exchange) => exchange.send(200, '');

/** All paths of the server. Line numbers are those of SGLang 0.5.23's `http_server.py`. */
export const routes: readonly Route[] = [
  { path: '/', methods: { GET: root, HEAD: root } },
  { path: '/ping', methods: get(ping) },
  { path: '/health', methods: get(health) },
  { path: '/health_generate', methods: get(health) },
  { path: '/model_info', methods: get(modelInfo) },
  { path: '/get_model_info', methods: get(deprecated('/get_model_info', '/model_info', modelInfo)) },
  { path: '/server_info', methods: get(serverInfo) },
  { path: '/get_server_info', methods: get(deprecated('/get_server_info', '/server_info', serverInfo)) },
  { path: '/openapi.json', methods: get(openApi) },
  { path: '/v1/models', methods: get(listModels) },
  { path: '/v1/models/', isPrefix: true, metricName: '/v1/models/{model:path}', methods: get(retrieveModel) },
  { path: '/v1/loads', methods: get(loads) },
  { path: '/metrics', methods: get(metrics) },
  {
    path: '/v1/chat/completions',
    methods: post(chatCompletions),
    style: 'openai',
    source: { line: 1870, functionName: 'openai_v1_chat_completions' },
  },
  {
    path: '/v1/completions',
    methods: post(completions),
    style: 'openai',
    source: { line: 1861, functionName: 'openai_v1_completions' },
  },
  { path: '/v1/embeddings', methods: post(embeddings), style: 'openai' },
  { path: '/v1/responses', methods: post(responses), style: 'responses' },
  { path: '/v1/messages', methods: post(messages), style: 'anthropic' },
  { path: '/v1/messages/count_tokens', methods: post(countTokens), style: 'anthropic' },
  { path: '/tokenize', methods: post(tokenize), style: 'openai' },
  { path: '/v1/tokenize', methods: post(tokenize), style: 'openai' },
  { path: '/detokenize', methods: post(detokenize), style: 'openai' },
  { path: '/v1/detokenize', methods: post(detokenize), style: 'openai' },
  {
    path: '/generate',
    methods: postOrPut(generate),
    source: { line: 928, functionName: 'generate_request' },
  },
  { path: '/encode', methods: postOrPut(refuseEmbedding) },
  { path: '/api/chat', methods: post(ollamaChat) },
  { path: '/api/generate', methods: post(ollamaGenerate) },
  { path: '/api/tags', methods: get(ollamaTags) },
  { path: '/abort_request', methods: post(abortRequest) },
  { path: '/flush_cache', methods: getOrPost(flushCache) },
  { path: '/open_session', methods: getOrPost(openSession) },
  { path: '/close_session', methods: getOrPost(closeSession) },
  { path: '/freeze_gc', methods: getOrPost(accept) },
  { path: '/sim/faults', methods: { GET: listFaults, POST: armFault, DELETE: clearFaults } },
];

const exact = new Map(routes.filter(({ isPrefix }) => !isPrefix).map((route) => [route.path, route]));
const prefixes = routes.filter(({ isPrefix }) => isPrefix);

export function findRoute(path: string): Route | undefined {
  return exact.get(path) ?? prefixes.find((route) => path.startsWith(route.path));
}
