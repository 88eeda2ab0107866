import { fail } from '../errors.ts';
import { type ChatMessage, renderChat } from '../language/chat-template.ts';
import { checkFields, type FieldCheck, isSet, numberField, textField } from '../validation/field-checks.ts';
import type { JsonObject } from '../validation/json-body.ts';
import { type Finding, ValidationError } from '../validation/validation-error.ts';
import { checkSamplingBounds, checkTokenBounds, type Sampling, stopTextsOf, stopTokensOf } from './sampling.ts';

/** A chat request, checked and with its prompt rendered. */
export interface ChatRequest {
  readonly model: string;
  readonly prompt: Int32Array;
  readonly sampling: Sampling;
  readonly choices: number;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly continuousUsage: boolean;
  readonly hasLogprobs: boolean;
  readonly topLogprobs: number;
  readonly returnTokenIds: boolean;
  readonly returnMetaInfo: boolean;
  readonly returnCachedTokensDetails: boolean;
  readonly rid: string | undefined;
}

const fields: readonly FieldCheck[] = [
  { name: 'messages', type: 'list', nullable: false },
  { name: 'model', type: 'str', nullable: false },
  { name: 'max_tokens', type: 'int' },
  { name: 'max_completion_tokens', type: 'int' },
  { name: 'min_tokens', type: 'int' },
  { name: 'n', type: 'int', nullable: false },
  { name: 'temperature', type: 'float' },
  { name: 'top_p', type: 'float' },
  { name: 'top_k', type: 'int' },
  { name: 'min_p', type: 'float' },
  { name: 'frequency_penalty', type: 'float' },
  { name: 'presence_penalty', type: 'float' },
  { name: 'stream', type: 'bool', nullable: false },
  { name: 'logprobs', type: 'bool', nullable: false },
  { name: 'top_logprobs', type: 'int' },
  { name: 'ignore_eos', type: 'bool', nullable: false },
  { name: 'continue_final_message', type: 'bool', nullable: false },
];

const genericRoles = ['system', 'assistant', 'tool', 'function', 'developer', 'latest_reminder', 'root'];

/** Throws ValidationError for a body that does not fit the schema and a coded error for one that makes no sense. */
export function parseChatRequest(body: JsonObject): ChatRequest {
  // SGLang fills in the tool choice before it validates, which shows in its messages.
  checkFields('tool_choice' in body ? body : { ...body, tool_choice: 'none' }, fields, ['messages']);
  const messages = body['messages'] as ChatMessage[];
  checkRoles(messages);
  if (messages.length === 0) throw fail('EMPTY_MESSAGES');
  checkSupported(body, messages);
  const stream = isSet(body, 'stream');
  if (stream && isSet(body, 'return_token_ids')) throw fail('RETURN_TOKEN_IDS_STREAMING');
  checkSamplingBounds(body, true);
  const sampling = chatSampling(body);
  checkTokenBounds(sampling);
  const streamOptions = (body['stream_options'] ?? {}) as JsonObject;
  return {
    model: textField(body, 'model') ?? 'default',
    prompt: renderChat(messages, {
      continueFinalMessage: isSet(body, 'continue_final_message'),
      tools: body['tool_choice'] === 'none' ? undefined : body['tools'],
    }),
    sampling,
    choices: Math.max(1, numberField(body, 'n') ?? 1),
    stream,
    includeUsage: isSet(streamOptions, 'include_usage'),
    continuousUsage: isSet(streamOptions, 'continuous_usage_stats'),
    hasLogprobs: isSet(body, 'logprobs'),
    topLogprobs: numberField(body, 'top_logprobs') ?? 0,
    returnTokenIds: isSet(body, 'return_token_ids'),
    returnMetaInfo: isSet(body, 'return_meta_info'),
    returnCachedTokensDetails: isSet(body, 'return_cached_tokens_details'),
    rid: textField(body, 'rid'),
  };
}

function chatSampling(body: JsonObject): Sampling {
  return {
    maxNewTokens: numberField(body, 'max_completion_tokens') ?? numberField(body, 'max_tokens'),
    minNewTokens: numberField(body, 'min_tokens') ?? 0,
    ignoreEos: isSet(body, 'ignore_eos'),
    stopTexts: stopTextsOf(body['stop']),
    stopTokens: stopTokensOf(body['stop_token_ids']),
    keepStopText: isSet(body, 'no_stop_trim'),
  };
}

/** Each message is tried as two kinds, so that a wrong role is found wrong twice. */
function checkRoles(messages: readonly ChatMessage[]): void {
  const findings: Finding[] = messages.flatMap(({ role }, index) => {
    if (role === 'user' || (typeof role === 'string' && genericRoles.includes(role.toLowerCase()))) return [];
    const complaint = `'role' must be one of ${genericRoles.map((name) => `'${name}'`).join(', ')} (case-insensitive).`;
    const path = (kind: string) =>
      ['body', 'messages', index, `function-after[validate_thinking_parts_role(), ${kind}]`, 'role'] as const;
    return [
      {
        type: 'value_error',
        loc: path('ChatCompletionMessageGenericParam'),
        msg: `Value error, ${complaint}`,
        input: role,
        ctx: `{'error': ValueError("${complaint}")}`,
      },
      {
        type: 'literal_error',
        loc: path('ChatCompletionMessageUserParam'),
        msg: "Input should be 'user'",
        input: role,
        ctx: `{'expected': "'user'"}`,
      },
    ];
  });
  if (findings.length > 0) throw new ValidationError(findings);
}

function checkSupported(body: JsonObject, messages: readonly ChatMessage[]): void {
  for (const { content } of messages) {
    if (typeof content === 'string' || !content) continue;
    const unsupported = content.find(
      (part) => part.type !== undefined && part.type !== 'text' && part.type !== 'refusal',
    );
    if (unsupported?.type !== undefined) throw fail('TEXT_ONLY', { type: unsupported.type });
  }
  checkExtensions(body);
  const format = (body['response_format'] ?? {}) as JsonObject;
  const hasGrammar = ['regex', 'ebnf'].some((name) => textField(body, name) !== undefined);
  if (hasGrammar || (format['type'] !== undefined && format['type'] !== 'text')) throw fail('NO_GRAMMAR_BACKEND');
}

/** What the simulated server is launched without: adapters and data parallelism. */
export function checkExtensions(body: JsonObject): void {
  const adapter = textField(body, 'lora_path');
  if (adapter !== undefined) throw fail('LORA_DISABLED', { adapter });
  const rank = numberField(body, 'routed_dp_rank') ?? numberField(body, 'data_parallel_rank');
  if (rank !== undefined && rank !== 0) throw fail('DP_RANK_OUT_OF_RANGE', { rank });
}
