import { coded, errorFactory } from '../shared/errors.ts';

/**
 * Everything that the simulated engine refuses, with SGLang 0.5.23's own words. The dialects put message and type into
 * their own error shapes; `type` is that of the OpenAI routes.
 */
export const errors = {
  CONTEXT_TOO_LONG: coded(
    400,
    'BadRequestError',
    "The input ({tokens} tokens) is longer than the model's context length ({contextLength} tokens).",
  ),
  CONTEXT_WITH_COMPLETION_TOO_LONG: coded(
    400,
    'BadRequestError',
    "Requested token count exceeds the model's maximum context length of {contextLength} tokens. You requested a total of {total} tokens: {tokens} tokens from the input messages and {newTokens} tokens for the completion. Please reduce the number of tokens in the input messages or the completion to fit within the limit.",
  ),
  DP_RANK_OUT_OF_RANGE: coded(400, 'BadRequestError', 'routed_dp_rank={rank} out of range [0, 1)'),
  DUPLICATE_RID: coded(400, 'BadRequestError', 'Duplicate request ID detected: {rid}'),
  EMPTY_MESSAGES: coded(400, 'BadRequestError', 'Messages cannot be empty.'),
  EMPTY_PROMPT: coded(400, 'BadRequestError', 'Prompt cannot be empty'),
  INPUT_EXCEEDS_POOL: coded(
    400,
    'BadRequestError',
    'Input length ({tokens} tokens) exceeds the maximum allowed length ({limit} tokens). Use a shorter input or enable --allow-auto-truncate.',
  ),
  INPUT_MISSING: coded(400, 'BadRequestError', 'Either text, input_ids or input_embeds should be provided.'),
  LORA_DISABLED: coded(
    400,
    'BadRequestError',
    "LoRA adapter '{adapter}' was requested, but LoRA is not enabled. Please launch the server with --enable-lora flag and preload adapters using --lora-paths or /load_lora_adapter endpoint.",
  ),
  NO_GRAMMAR_BACKEND: coded(
    400,
    'BadRequestError',
    'Grammar-based generation (json_schema, regex, ebnf, structural_tag) is not supported when the server is launched with --grammar-backend none',
  ),
  NOT_AN_EMBEDDING_MODEL: coded(
    400,
    'BadRequestError',
    'This model does not appear to be an embedding model by default. Please add `--is-embedding` when launching the server or try another model.',
  ),
  QUEUE_FULL: coded(503, '503', 'The request queue is full.', { retryable: true }),
  RETURN_TOKEN_IDS_STREAMING: coded(
    400,
    'BadRequest',
    'return_token_ids is not supported with streaming on /v1/chat/completions. Please set stream=false when using return_token_ids=true.',
  ),
  SAMPLING_PARAMETER: coded(400, 'BadRequestError', '{complaint}'),
  SESSION_EXISTS: coded(
    400,
    'BadRequestError',
    'Failed to open the session. Check if a session with the same id is still open.',
  ),
  SESSION_UNKNOWN: coded(400, 'BadRequestError', 'Invalid request: session id {id} does not exist'),
  TEXT_ONLY: coded(
    400,
    'BadRequestError',
    "Model only supports text input; received unsupported content type '{type}'.",
  ),
} as const;

export const fail = errorFactory(errors);
