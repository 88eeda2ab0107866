import { ResponsesDialect } from '../generation/responses-dialect.ts';
import { runGeneration } from '../generation/run-generation.ts';
import type { Exchange } from '../http/exchange.ts';
import { randomId } from '../http/random-id.ts';
import type { ChatMessage } from '../language/chat-template.ts';
import { parseChatRequest } from '../requests/chat-request.ts';
import type { ServerState } from '../server-state.ts';
import { checkFields, numberField, textField } from '../validation/field-checks.ts';
import type { JsonObject } from '../validation/json-body.ts';
import { newSequence } from './new-sequence.ts';
import { readDeclaredJson } from './request-body.ts';

/** POST /v1/responses, without tools and without the memory of earlier responses. */
export async function responses(exchange: Exchange, server: ServerState): Promise<void> {
  const body = await readDeclaredJson(exchange);
  checkFields(body, [{ name: 'max_output_tokens', type: 'int' }], ['input']);
  const request = parseChatRequest({
    model: textField(body, 'model') ?? server.options.modelName,
    messages: messagesOf(body),
    max_tokens: body['max_output_tokens'],
    stream: body['stream'] ?? false,
    temperature: body['temperature'],
    top_p: body['top_p'],
  });
  const sequence = newSequence(server, randomId(), request.prompt, request.sampling);
  const dialect = new ResponsesDialect(sequence, {
    model: request.model,
    instructions: textField(body, 'instructions') ?? null,
    maxOutputTokens: numberField(body, 'max_output_tokens') ?? null,
    hasCacheReport: server.options.enableCacheReport,
  });
  const plan = { sequences: [sequence], stream: request.stream, needsWarmUp: false, dialect, logsDisconnect: false };
  runGeneration(exchange, server, plan, 'responses');
}

function messagesOf(body: JsonObject): ChatMessage[] {
  const { input } = body;
  const instructions = textField(body, 'instructions');
  const turns = typeof input === 'string' ? [{ role: 'user', content: input }] : (input as ChatMessage[]);
  return instructions === undefined ? turns : [{ role: 'system', content: instructions }, ...turns];
}
