import { fail } from '../errors.ts';
import type { SequenceSpec } from '../generation/sequence.ts';
import { numberField } from '../validation/field-checks.ts';
import type { JsonObject } from '../validation/json-body.ts';
import { pythonFloat, pythonRepr } from '../validation/python-repr.ts';

/** What a request says about how to sample. The text does not depend on the temperature and its kin: they are checked only. */
export interface Sampling {
  /** Undefined: as long as the context allows. */
  readonly maxNewTokens: number | undefined;
  readonly minNewTokens: number;
  readonly ignoreEos: boolean;
  readonly stopTexts: readonly string[];
  readonly stopTokens: readonly number[];
  readonly keepStopText: boolean;
}

/** Bounds of `SamplingParams.verify` in SGLang 0.5.23, in its order; `words` is what the value had to be. */
const bounds: readonly { name: string; words: string; holds: (value: number) => boolean }[] = [
  {
    name: 'temperature',
    words: 'a non-negative finite number',
    holds: (value) => Number.isFinite(value) && value >= 0,
  },
  { name: 'top_p', words: 'in (0, 1]', holds: (value) => value > 0 && value <= 1 },
  { name: 'min_p', words: 'in [0, 1]', holds: (value) => value >= 0 && value <= 1 },
  { name: 'top_k', words: '-1 (disable) or at least 1', holds: (value) => value >= 1 || value === -1 },
  { name: 'frequency_penalty', words: 'in [-2, 2]', holds: (value) => value >= -2 && value <= 2 },
  { name: 'presence_penalty', words: 'in [-2, 2]', holds: (value) => value >= -2 && value <= 2 },
  { name: 'repetition_penalty', words: 'in (0, 2] (1.0 = no penalty)', holds: (value) => value > 0 && value <= 2 },
];
const integerNames = new Set(['top_k']);

/**
 * Throws SAMPLING_PARAMETER for the first value out of bounds.
 * @param castsToFloat the OpenAI routes turn numbers into floats before they are checked, which the message shows
 */
export function checkSamplingBounds(parameters: JsonObject, castsToFloat: boolean): void {
  for (const { name, words, holds } of bounds) {
    const value = numberField(parameters, name);
    if (value === undefined || holds(value)) continue;
    const shown = castsToFloat && !integerNames.has(name) ? pythonFloat(value) : pythonRepr(value);
    throw fail('SAMPLING_PARAMETER', { complaint: `${name} must be ${words}, got ${shown}.` });
  }
}

/** Throws SAMPLING_PARAMETER when the bounds on the number of tokens contradict each other. */
export function checkTokenBounds(sampling: Pick<Sampling, 'maxNewTokens' | 'minNewTokens'>): void {
  const { maxNewTokens, minNewTokens } = sampling;
  if (minNewTokens < 0) {
    throw fail('SAMPLING_PARAMETER', {
      complaint: `min_new_tokens must be in [0, max_new_tokens], got ${minNewTokens}.`,
    });
  }
  if (maxNewTokens === undefined) return;
  if (maxNewTokens < 0) {
    throw fail('SAMPLING_PARAMETER', { complaint: `max_new_tokens must be at least 0, got ${maxNewTokens}.` });
  }
  if (minNewTokens > maxNewTokens) {
    throw fail('SAMPLING_PARAMETER', {
      complaint: `min_new_tokens must be in [0, max_new_tokens(${maxNewTokens})], got ${minNewTokens}.`,
    });
  }
}

export function stopTextsOf(stop: unknown): string[] {
  if (typeof stop === 'string') return [stop];
  return Array.isArray(stop) ? stop.filter((text) => typeof text === 'string') : [];
}

export function stopTokensOf(ids: unknown): number[] {
  return Array.isArray(ids) ? ids.map(Number) : [];
}

export interface TokenLimits {
  readonly contextLength: number;
  readonly maxTotalTokens: number;
  readonly meanOutputTokens: number;
}

/**
 * The sequence that a prompt and its sampling ask for. Throws when it does not fit the context or the KV pool; the
 * order of the checks is SGLang's: first the context, then prompt and answer together, then the pool.
 */
export function sequenceSpec(rid: string, prompt: Int32Array, sampling: Sampling, limits: TokenLimits): SequenceSpec {
  const { contextLength, maxTotalTokens, meanOutputTokens } = limits;
  const tokens = prompt.length;
  if (tokens === 0) throw fail('EMPTY_PROMPT');
  if (tokens >= contextLength) throw fail('CONTEXT_TOO_LONG', { tokens, contextLength });
  const { maxNewTokens: newTokens } = sampling;
  if (newTokens !== undefined && tokens + newTokens > contextLength) {
    throw fail('CONTEXT_WITH_COMPLETION_TOO_LONG', { tokens, newTokens, contextLength, total: tokens + newTokens });
  }
  const requestLimit = Math.min(contextLength, maxTotalTokens) - 1;
  if (tokens >= requestLimit - 5) throw fail('INPUT_EXCEEDS_POOL', { tokens, limit: requestLimit - 5 });
  const { minNewTokens, ignoreEos, stopTexts, stopTokens, keepStopText } = sampling;
  const maxNewTokens = Math.min(newTokens ?? Number.POSITIVE_INFINITY, requestLimit - tokens - 1);
  return {
    rid,
    prompt,
    maxNewTokens,
    minNewTokens,
    ignoreEos,
    stopTexts,
    stopTokens,
    keepStopText,
    meanOutputTokens,
  };
}
