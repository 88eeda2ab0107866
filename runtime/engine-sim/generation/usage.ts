import type { Sequence } from './sequence.ts';

/** OpenAI usage with SGLang's additions, keys in its order. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly total_tokens: number;
  readonly completion_tokens: number;
  /** Only with the cache report switched on. */
  readonly prompt_tokens_details: { readonly cached_tokens: number } | null;
  readonly reasoning_tokens: 0;
}

/** Usage over the choices of one request; the prompt counts once per `choicesPerPrompt` sequences. */
export function usageOf(sequences: readonly Sequence[], choicesPerPrompt: number, hasCacheReport: boolean): Usage {
  let promptTokens = 0;
  let cachedTokens = 0;
  let completionTokens = 0;
  sequences.forEach((sequence, i) => {
    completionTokens += sequence.completionTokens;
    if (i % choicesPerPrompt !== 0) return;
    promptTokens += sequence.promptTokens;
    cachedTokens += sequence.cachedTokens;
  });
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + completionTokens,
    completion_tokens: completionTokens,
    prompt_tokens_details: hasCacheReport ? { cached_tokens: cachedTokens } : null,
    reasoning_tokens: 0,
  };
}

/** The same for one sequence after its token at `position`. */
export function usageAfter(sequence: Sequence, position: number, hasCacheReport: boolean): Usage {
  const completionTokens = position + 1;
  return {
    prompt_tokens: sequence.promptTokens,
    total_tokens: sequence.promptTokens + completionTokens,
    completion_tokens: completionTokens,
    prompt_tokens_details: hasCacheReport ? { cached_tokens: sequence.cachedTokens } : null,
    reasoning_tokens: 0,
  };
}

/** SGLang's note of which weights made which tokens. */
export function weightMetadata(sequence: Sequence) {
  return { weight_version: 'default', weight_versions: weightVersions(sequence) };
}

export function weightVersions(sequence: Sequence) {
  return [{ version: 'default', start: 0, end: sequence.completionTokens }];
}
