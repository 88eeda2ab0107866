import type { RequestBody } from './request-body.ts';

/** Parameters whose mere presence asks for what a second engine cannot know: it sees the first part as prompt. */
const tiedToOneEngine: Readonly<Record<string, string>> = {
  regex: 'its output follows a grammar',
  ebnf: 'its output follows a grammar',
  json_schema: 'its output follows a grammar',
  structural_tag: 'its output follows a grammar',
  stop_regex: 'a stop pattern may match across the cut',
  custom_logit_processor: 'its logit processor may depend on the output so far',
  max_thinking_tokens: 'its reasoning has a budget',
  input_embeds: 'its prompt is embeddings',
  positional_embed_overrides: 'its prompt is embeddings',
  session_params: 'it belongs to a session of one engine',
  bootstrap_room: 'its prefill and decode engines were chosen together',
  suffix: 'it fills in a middle',
  token_ids_logprob: 'it asks for log-probabilities',
  return_logprob: 'it asks for log-probabilities',
  top_logprobs_num: 'it asks for log-probabilities',
  top_logprobs: 'it asks for log-probabilities',
  return_hidden_states: 'it asks for hidden states',
  return_routed_experts: 'it asks for routed experts',
  return_indexer_topk: 'it asks for the attention index',
  return_entropy: 'it asks for the entropy',
  return_sampling_mask: 'it asks for the sampling mask',
  return_input_ids_in_sglext: 'it asks for all token ids at the end',
  return_output_ids_in_sglext: 'it asks for all token ids at the end',
  return_meta_info: 'it asks for meta information of the whole answer',
  return_prompt_token_ids: 'it asks for the ids of its prompt',
};

/** Why a stream that this request opened cannot be continued elsewhere, undefined when it can. */
export function refusalOf(request: RequestBody): string | undefined {
  if (request.value('stream') !== true) return 'it is not a stream';
  for (const [key, reason] of Object.entries(tiedToOneEngine)) {
    const value = request.value(key) ?? request.parameter(key);
    if (isGiven(value)) return reason;
  }
  const { dialect } = request;
  if (Array.isArray(request.value('sampling_params'))) return 'it has several prompts';
  if (hasSeveralChoices(request)) return 'it has several choices';
  const logprobs = request.value('logprobs');
  if (dialect === 'completions' ? typeof logprobs === 'number' : isGiven(logprobs))
    return 'it asks for log-probabilities';
  if (request.value('echo') === true) return 'it echoes its prompt';
  if (Array.isArray(request.value('rid'))) return 'it has several request ids';
  const format = request.value('response_format') as { type?: unknown } | null | undefined;
  if (format && format.type !== 'text') return 'its output follows a grammar';
  if (dialect === 'chat' && usesTools(request)) return 'it may call tools';
  if (dialect === 'chat' && isGiven(request.value('input_ids'))) return 'its messages are not its prompt';
  return undefined;
}

/** 0 and empty strings and lists count as not given, as in SGLang's Python. */
function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function hasSeveralChoices(request: RequestBody): boolean {
  const n = request.parameter('n');
  const bestOf = request.value('best_of');
  return (typeof n === 'number' && n > 1) || (typeof bestOf === 'number' && bestOf > 1);
}

function usesTools(request: RequestBody): boolean {
  const choice = request.value('tool_choice');
  if (choice === 'none') return false;
  if (choice && choice !== 'auto') return true;
  if (isGiven(request.value('tools'))) return true;
  const messages = request.value('messages');
  return Array.isArray(messages) && messages.some((message) => isGiven((message as { tools?: unknown } | null)?.tools));
}
