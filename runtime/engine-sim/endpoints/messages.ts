import { CodedError } from '../../shared/errors.ts';
import { AnthropicDialect } from '../generation/anthropic-dialect.ts';
import { runGeneration } from '../generation/run-generation.ts';
import { Sequence } from '../generation/sequence.ts';
import type { Exchange } from '../http/exchange.ts';
import { randomId } from '../http/random-id.ts';
import { renderChat } from '../language/chat-template.ts';
import { chatRequestOfAnthropic, checkAnthropicFields } from '../requests/anthropic-request.ts';
import { parseChatRequest } from '../requests/chat-request.ts';
import type { ServerState } from '../server-state.ts';
import { newSequence } from './new-sequence.ts';
import { readDeclaredJson } from './request-body.ts';

/** POST /v1/messages: turned into a chat request and back, as SGLang does. */
export async function messages(exchange: Exchange, server: ServerState): Promise<void> {
  const body = await readDeclaredJson(exchange);
  checkAnthropicFields(body, ['model', 'messages', 'max_tokens']);
  const request = parseChatRequest(chatRequestOfAnthropic(body));
  const options = { model: request.model, hasCacheReport: server.options.enableCacheReport };
  let sequence: Sequence;
  try {
    sequence = newSequence(server, randomId(), request.prompt, request.sampling);
  } catch (error) {
    if (!(error instanceof CodedError) || !request.stream) throw error;
    streamError(exchange, server, options, error);
    return;
  }
  const dialect = new AnthropicDialect(sequence, options);
  const plan = { sequences: [sequence], stream: request.stream, needsWarmUp: false, dialect, logsDisconnect: false };
  runGeneration(exchange, server, plan, 'anthropic');
}

/** A stream has its 200 before the prompt is measured. */
function streamError(
  exchange: Exchange,
  server: ServerState,
  options: { model: string; hasCacheReport: boolean },
  error: CodedError,
): void {
  const prompt = Int32Array.of(0);
  const spec = { rid: '', prompt, maxNewTokens: 0, minNewTokens: 0, ignoreEos: false, stopTexts: [], stopTokens: [] };
  const nothing = new Sequence({ ...spec, keepStopText: false, meanOutputTokens: 0 }, server.engine.now(), 0);
  exchange.startStream('text/event-stream; charset=utf-8');
  exchange.write(new AnthropicDialect(nothing, options).errorEvents('invalid_request_error', error.message));
  exchange.end();
}

/** POST /v1/messages/count_tokens */
export async function countTokens(exchange: Exchange): Promise<void> {
  const body = await readDeclaredJson(exchange);
  checkAnthropicFields(body, ['model', 'messages']);
  const chat = chatRequestOfAnthropic(body);
  exchange.sendJson(200, { input_tokens: renderChat(chat.messages, { tools: chat.tools }).length });
}
