import { openAiError } from '../generation/openai-error.ts';
import type { Exchange } from '../http/exchange.ts';
import { type ChatMessage, renderChat } from '../language/chat-template.ts';
import { decode, encode } from '../language/tokenizer.ts';
import type { ServerState } from '../server-state.ts';
import { isSet } from '../validation/field-checks.ts';
import { readDeclaredJson } from './request-body.ts';

/** POST /tokenize and /v1/tokenize: a prompt, a list of prompts, or the messages of a chat. */
export async function tokenize(exchange: Exchange, { options }: ServerState): Promise<void> {
  const body = await readDeclaredJson(exchange);
  const { messages, prompt } = body;
  const max_model_len = options.contextLength;
  if (Array.isArray(messages)) {
    const continueFinalMessage = isSet(body, 'continue_final_message');
    const tokens = [...renderChat(messages as ChatMessage[], { continueFinalMessage, tools: body['tools'] })];
    exchange.sendJson(200, { tokens, count: tokens.length, max_model_len });
  } else if (Array.isArray(prompt)) {
    const tokens = prompt.map((text) => [...encode(String(text))]);
    exchange.sendJson(200, { tokens, count: tokens.map((ids) => ids.length), max_model_len });
  } else if (typeof prompt === 'string') {
    const tokens = [...encode(prompt)];
    exchange.sendJson(200, { tokens, count: tokens.length, max_model_len });
  } else {
    const message = 'Invalid prompt type. Expected str or List[str].';
    exchange.sendJson(400, openAiError(400, 'BadRequestError', message));
  }
}

/** POST /detokenize and /v1/detokenize: token ids or a list of lists of them. */
export async function detokenize(exchange: Exchange): Promise<void> {
  const body = await readDeclaredJson(exchange);
  const { tokens } = body;
  const skipsSpecialTokens = body['skip_special_tokens'] !== false;
  if (!Array.isArray(tokens)) {
    const message = 'Invalid tokens type. Expected List[int] or List[List[int]].';
    exchange.sendJson(400, openAiError(400, 'BadRequestError', message));
    return;
  }
  const isNested = Array.isArray(tokens[0]);
  const text = isNested
    ? tokens.map((ids) => decode(ids as number[], skipsSpecialTokens))
    : decode(tokens as number[], skipsSpecialTokens);
  exchange.sendJson(200, { text });
}
