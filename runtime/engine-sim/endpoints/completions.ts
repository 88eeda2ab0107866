import { CompletionDialect } from '../generation/completion-dialect.ts';
import { runGeneration } from '../generation/run-generation.ts';
import type { Exchange } from '../http/exchange.ts';
import { randomId } from '../http/random-id.ts';
import { parseCompletionRequest } from '../requests/completion-request.ts';
import type { ServerState } from '../server-state.ts';
import { newSequence } from './new-sequence.ts';
import { readDeclaredJson } from './request-body.ts';

/** POST /v1/completions */
export async function completions(exchange: Exchange, server: ServerState): Promise<void> {
  const request = parseCompletionRequest(await readDeclaredJson(exchange));
  const { prompts, choices, sampling } = request;
  const sequences = prompts.flatMap((prompt, i) =>
    Array.from({ length: choices }, () => newSequence(server, ridOf(request.rid, i), prompt, sampling)),
  );
  const dialect = new CompletionDialect(sequences, {
    ...request,
    choicesPerPrompt: choices,
    hasCacheReport: server.options.enableCacheReport,
  });
  const plan = { sequences, stream: request.stream, needsWarmUp: choices > 1, dialect, logsDisconnect: false };
  runGeneration(exchange, server, plan, 'openai');

  function ridOf(rid: string | undefined, index: number): string {
    if (rid === undefined || choices > 1) return randomId();
    return prompts.length > 1 ? `${rid}_${index}` : rid;
  }
}
