import { decode } from '../language/tokenizer.ts';
import type { Sequence } from './sequence.ts';

/**
 * Log-probabilities in the shapes of the dialects. The simulator's model is certain of each token, so the numbers are
 * made up: a function of the token, the same wherever it stands.
 */
export function logProbability(token: number): number {
  return -0.5 - (token % 64) / 16;
}

interface ChatTokenLogprob {
  readonly token: string;
  readonly bytes: readonly number[];
  readonly logprob: number;
}

/** `choices[].logprobs` of chat for the tokens from `from` to `to` (exclusive). */
export function chatLogprobs(sequence: Sequence, from: number, to: number, topCount: number) {
  const content = sequence.outputIds.slice(from, to).map((token) => ({
    ...chatTokenLogprob(token, logProbability(token)),
    top_logprobs: topTokens(token, topCount).map((other) => chatTokenLogprob(other.token, other.logprob)),
  }));
  return { content };
}

function chatTokenLogprob(token: number, logprob: number): ChatTokenLogprob {
  const text = decode([token], false);
  return { token: text, bytes: [...new TextEncoder().encode(text)], logprob };
}

/** The token itself, then its neighbours in the vocabulary, each less likely than the one before. */
function topTokens(token: number, count: number) {
  return Array.from({ length: count }, (_, i) => ({ token: token + 2 * i, logprob: logProbability(token) - i }));
}

/** `choices[].logprobs` of completions, the OpenAI legacy form. */
export function completionLogprobs(sequence: Sequence, from: number, to: number, topCount: number) {
  const ids = sequence.outputIds.slice(from, to);
  const texts = ids.map((token) => decode([token], false));
  return {
    text_offset: ids.map(() => -1),
    token_logprobs: ids.map(logProbability),
    tokens: texts,
    top_logprobs: ids.map((token) =>
      topCount > 0
        ? Object.fromEntries(topTokens(token, topCount).map((top) => [decode([top.token], false), top.logprob]))
        : null,
    ),
  };
}

/** `meta_info.output_token_logprobs` of the native route for the first `count` tokens. */
export function nativeLogprobs(sequence: Sequence, count: number) {
  return {
    input_token_logprobs: [],
    output_token_logprobs: sequence.outputIds.slice(0, count).map((token) => [logProbability(token), token, null]),
    output_token_logprobs_length: count,
  };
}
