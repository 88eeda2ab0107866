import { fail } from '../errors.ts';
import { encode } from '../language/tokenizer.ts';
import { isSet, numberField, textField } from '../validation/field-checks.ts';
import type { JsonObject } from '../validation/json-body.ts';
import { checkExtensions } from './chat-request.ts';
import { checkSamplingBounds, checkTokenBounds, type Sampling, stopTextsOf, stopTokensOf } from './sampling.ts';

export interface NativeRequest {
  readonly prompts: readonly Int32Array[];
  /** One per prompt. */
  readonly samplings: readonly Sampling[];
  readonly isBatch: boolean;
  readonly choices: number;
  readonly hasLogprobs: boolean;
  /** One per prompt where the client named them. */
  readonly rids: readonly string[] | undefined;
  readonly sessionId: string | undefined;
}

const defaultMaxNewTokens = 128;

/** Throws a coded error; `/generate` has no schema errors beside malformed JSON. */
export function parseNativeRequest(body: JsonObject): NativeRequest {
  checkExtensions(body);
  const { prompts, isBatch } = promptsOf(body);
  const parameters = body['sampling_params'];
  const samplings = prompts.map((_, i) => {
    const own = Array.isArray(parameters) ? parameters[i] : parameters;
    return nativeSampling((own ?? {}) as JsonObject);
  });
  const first = (Array.isArray(parameters) ? parameters[0] : parameters) as JsonObject | undefined;
  const session = body['session_params'] as JsonObject | null | undefined;
  return {
    prompts,
    samplings,
    isBatch,
    choices: Math.max(1, numberField(first ?? {}, 'n') ?? 1),
    hasLogprobs: isSet(body, 'return_logprob'),
    rids: ridsOf(body['rid'], prompts.length, isBatch),
    sessionId: textField(session ?? {}, 'id'),
  };
}

function promptsOf(body: JsonObject): { prompts: Int32Array[]; isBatch: boolean } {
  const { text, input_ids: ids } = body;
  if (typeof text === 'string') return { prompts: [encode(text)], isBatch: false };
  if (Array.isArray(text)) return { prompts: text.map((entry) => encode(String(entry))), isBatch: true };
  if (Array.isArray(ids) && Array.isArray(ids[0])) {
    return { prompts: ids.map((entry) => Int32Array.from(entry as number[])), isBatch: true };
  }
  if (Array.isArray(ids)) return { prompts: [Int32Array.from(ids as number[])], isBatch: false };
  throw fail('INPUT_MISSING');
}

function nativeSampling(parameters: JsonObject): Sampling {
  checkSamplingBounds(parameters, false);
  if (['json_schema', 'regex', 'ebnf'].some((name) => textField(parameters, name) !== undefined)) {
    throw fail('NO_GRAMMAR_BACKEND');
  }
  const sampling: Sampling = {
    maxNewTokens: 'max_new_tokens' in parameters ? numberField(parameters, 'max_new_tokens') : defaultMaxNewTokens,
    minNewTokens: numberField(parameters, 'min_new_tokens') ?? 0,
    ignoreEos: isSet(parameters, 'ignore_eos'),
    stopTexts: stopTextsOf(parameters['stop']),
    stopTokens: stopTokensOf(parameters['stop_token_ids']),
    keepStopText: isSet(parameters, 'no_stop_trim'),
  };
  checkTokenBounds(sampling);
  return sampling;
}

/** One id for a batch is numbered, as SGLang does. */
function ridsOf(rid: unknown, count: number, isBatch: boolean): string[] | undefined {
  if (Array.isArray(rid)) return rid.map(String);
  if (typeof rid !== 'string') return undefined;
  return isBatch ? Array.from({ length: count }, (_, i) => `${rid}_${i}`) : [rid];
}
