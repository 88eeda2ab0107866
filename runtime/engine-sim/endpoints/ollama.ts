import { OllamaDialect } from '../generation/ollama-dialect.ts';
import { runGeneration } from '../generation/run-generation.ts';
import type { Exchange } from '../http/exchange.ts';
import { randomId } from '../http/random-id.ts';
import { type ChatMessage, renderChat } from '../language/chat-template.ts';
import { encode } from '../language/tokenizer.ts';
import { stopTextsOf } from '../requests/sampling.ts';
import type { ServerState } from '../server-state.ts';
import { checkFields, numberField, textField } from '../validation/field-checks.ts';
import type { JsonObject } from '../validation/json-body.ts';
import { newSequence } from './new-sequence.ts';
import { readJson } from './request-body.ts';

/** POST /api/chat */
export async function ollamaChat(exchange: Exchange, server: ServerState): Promise<void> {
  const body = await readJson(exchange);
  checkFields(body, [{ name: 'messages', type: 'list', nullable: false }], ['messages']);
  run(exchange, server, body, 'chat', renderChat(body['messages'] as ChatMessage[]));
}

/** POST /api/generate */
export async function ollamaGenerate(exchange: Exchange, server: ServerState): Promise<void> {
  const body = await readJson(exchange);
  const prompt = [textField(body, 'system'), textField(body, 'prompt')].filter((text) => text !== undefined);
  run(exchange, server, body, 'generate', encode(prompt.join('\n\n')));
}

function run(exchange: Exchange, server: ServerState, body: JsonObject, kind: 'chat' | 'generate', prompt: Int32Array) {
  const options = (body['options'] ?? {}) as JsonObject;
  const sequence = newSequence(server, randomId(), prompt, {
    maxNewTokens: numberField(options, 'num_predict') ?? 2_048,
    minNewTokens: 0,
    ignoreEos: false,
    stopTexts: stopTextsOf(options['stop']),
    stopTokens: [],
    keepStopText: false,
  });
  const dialect = new OllamaDialect(sequence, server.options.modelName, kind);
  const stream = body['stream'] !== false;
  const plan = { sequences: [sequence], stream, needsWarmUp: false, dialect, logsDisconnect: false };
  runGeneration(exchange, server, plan, 'native');
}

/** GET /api/tags */
export function ollamaTags(exchange: Exchange, { options }: ServerState): void {
  const name = options.modelName;
  const details = { format: 'sglang', family: name.split('/').at(-1), parameter_size: 'unknown' };
  const digest = `sha256:sglang${'0'.repeat(58)}`;
  const model = { name, model: name, modified_at: new Date().toISOString(), size: 0, digest, details };
  exchange.sendJson(200, { models: [model] });
}
