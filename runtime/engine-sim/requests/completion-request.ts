import { fail } from '../errors.ts';
import { decode, encode } from '../language/tokenizer.ts';
import { checkFields, type FieldCheck, isSet, numberField, textField } from '../validation/field-checks.ts';
import type { JsonObject } from '../validation/json-body.ts';
import { ValidationError } from '../validation/validation-error.ts';
import { checkExtensions } from './chat-request.ts';
import { checkSamplingBounds, checkTokenBounds, type Sampling, stopTextsOf, stopTokensOf } from './sampling.ts';

export interface CompletionRequest {
  readonly model: string;
  /** One entry per prompt. */
  readonly prompts: readonly Int32Array[];
  /** Prompt texts in the same order, for `echo`. */
  readonly echo: readonly string[] | undefined;
  readonly sampling: Sampling;
  readonly choices: number;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly continuousUsage: boolean;
  readonly logprobs: number | undefined;
  readonly returnTokenIds: boolean;
  readonly rid: string | undefined;
}

const fields: readonly FieldCheck[] = [
  { name: 'model', type: 'str', nullable: false },
  { name: 'max_tokens', type: 'int', nullable: false },
  { name: 'min_tokens', type: 'int', nullable: false },
  { name: 'n', type: 'int', nullable: false },
  { name: 'temperature', type: 'float', nullable: false },
  { name: 'top_p', type: 'float', nullable: false },
  { name: 'top_k', type: 'int', nullable: false },
  { name: 'stream', type: 'bool', nullable: false },
  { name: 'echo', type: 'bool', nullable: false },
  { name: 'logprobs', type: 'int' },
  { name: 'ignore_eos', type: 'bool', nullable: false },
];

const defaultMaxTokens = 16;

export function parseCompletionRequest(body: JsonObject): CompletionRequest {
  checkFields(body, fields, ['prompt']);
  const prompts = promptsOf(body['prompt']);
  if (prompts.length === 0 || prompts.every((prompt) => prompt.length === 0)) throw fail('EMPTY_PROMPT');
  checkExtensions(body);
  if (['json_schema', 'regex', 'ebnf'].some((name) => textField(body, name) !== undefined)) {
    throw fail('NO_GRAMMAR_BACKEND');
  }
  checkSamplingBounds(body, true);
  const sampling: Sampling = {
    maxNewTokens: numberField(body, 'max_tokens') ?? defaultMaxTokens,
    minNewTokens: numberField(body, 'min_tokens') ?? 0,
    ignoreEos: isSet(body, 'ignore_eos'),
    stopTexts: stopTextsOf(body['stop']),
    stopTokens: stopTokensOf(body['stop_token_ids']),
    keepStopText: isSet(body, 'no_stop_trim'),
  };
  checkTokenBounds(sampling);
  const streamOptions = (body['stream_options'] ?? {}) as JsonObject;
  return {
    model: textField(body, 'model') ?? 'default',
    prompts,
    echo: isSet(body, 'echo') ? prompts.map((prompt) => decode(prompt)) : undefined,
    sampling,
    choices: Math.max(1, numberField(body, 'n') ?? 1),
    stream: isSet(body, 'stream'),
    includeUsage: isSet(streamOptions, 'include_usage'),
    continuousUsage: isSet(streamOptions, 'continuous_usage_stats'),
    logprobs: numberField(body, 'logprobs'),
    returnTokenIds: isSet(body, 'return_token_ids'),
    rid: textField(body, 'rid'),
  };
}

/** The four forms of a prompt: a text, token ids, and a list of either. */
function promptsOf(prompt: unknown): Int32Array[] {
  if (typeof prompt === 'string') return prompt === '' ? [] : [encode(prompt)];
  if (!Array.isArray(prompt)) {
    const msg = 'Input should be a valid string';
    throw new ValidationError([{ type: 'string_type', loc: ['body', 'prompt', 'str'], msg, input: prompt }]);
  }
  if (prompt.length > 0 && prompt.every((id) => typeof id === 'number')) return [Int32Array.from(prompt)];
  return prompt.map((entry) => (typeof entry === 'string' ? encode(entry) : Int32Array.from(entry as number[])));
}
