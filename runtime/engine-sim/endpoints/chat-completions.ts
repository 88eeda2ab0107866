import { ChatDialect } from '../generation/chat-dialect.ts';
import { runGeneration } from '../generation/run-generation.ts';
import type { Exchange } from '../http/exchange.ts';
import { randomId } from '../http/random-id.ts';
import { parseChatRequest } from '../requests/chat-request.ts';
import type { ServerState } from '../server-state.ts';
import { newSequence } from './new-sequence.ts';
import { readDeclaredJson } from './request-body.ts';

/** POST /v1/chat/completions */
export async function chatCompletions(exchange: Exchange, server: ServerState): Promise<void> {
  const request = parseChatRequest(await readDeclaredJson(exchange));
  const hasChoices = request.choices > 1;
  const sequences = Array.from({ length: request.choices }, () => {
    // Several choices run under ids of their own: an abort by the request's id does not reach them, as in SGLang.
    const rid = hasChoices ? randomId() : (request.rid ?? randomId());
    return newSequence(server, rid, request.prompt, request.sampling);
  });
  const dialect = new ChatDialect(sequences, {
    ...request,
    hasCacheReport: server.options.enableCacheReport,
    metaInfo: { toUnixSeconds: server.toUnixSeconds, hasLogprobs: false, isStream: request.stream },
  });
  const plan = { sequences, stream: request.stream, needsWarmUp: hasChoices, dialect, logsDisconnect: false };
  runGeneration(exchange, server, plan, 'openai');
}
