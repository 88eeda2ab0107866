import type { SequenceListener } from '../engine/engine.ts';
import { fail } from '../errors.ts';
import type { Exchange } from '../http/exchange.ts';
import { sendFailure } from '../http/failure.ts';
import { randomId } from '../http/random-id.ts';
import { digestOf, extendDigest } from '../language/next-token.ts';
import { parseCompletionRequest } from '../requests/completion-request.ts';
import type { ServerState } from '../server-state.ts';
import { textField } from '../validation/field-checks.ts';
import { readDeclaredJson } from './request-body.ts';

const dimensions = 64;

/** POST /v1/embeddings: prefill only. Vectors are unit vectors that depend on the token ids alone. */
export async function embeddings(exchange: Exchange, server: ServerState): Promise<void> {
  const body = await readDeclaredJson(exchange);
  if (!server.options.isEmbedding) throw fail('NOT_AN_EMBEDDING_MODEL');
  const { prompts } = parseCompletionRequest({ prompt: body['input'] });
  let left = prompts.length;
  let isRefused = false;
  const leave = () => {
    left--;
  };
  const answer = () => {
    if (left > 0 || exchange.hasStarted) return;
    if (isRefused) {
      sendFailure(exchange, 'openai', fail('QUEUE_FULL'));
      return;
    }
    const tokens = prompts.reduce((sum, prompt) => sum + prompt.length, 0);
    exchange.sendJson(200, {
      object: 'list',
      data: prompts.map((prompt, index) => ({ object: 'embedding', embedding: vectorOf(prompt), index })),
      model: textField(body, 'model') ?? 'default',
      usage: { prompt_tokens: tokens, total_tokens: tokens, completion_tokens: 0, prompt_tokens_details: null },
    });
  };
  const listener: SequenceListener = {
    token: () => {},
    finished: leave,
    rejected: () => {
      isRefused = true;
      leave();
    },
    retracted: () => {},
    flush: answer,
  };
  server.engine.submit(
    prompts.map((prompt) => {
      const request = { rid: randomId(), prompt, maxNewTokens: 1, generate: () => ({ token: 0, stop: true }) };
      return { request, listener };
    }),
  );
}

function vectorOf(prompt: Int32Array): number[] {
  let digest = digestOf(prompt);
  const values = Array.from({ length: dimensions }, (_, i) => {
    digest = extendDigest(digest, i, prompt.length + i);
    return digest / 2 ** 31;
  });
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}
