import { isCount, isObject, isTokenIds } from './event-fields.ts';

/** Fields of a chunk that the relay reads; every one may be missing. */
export interface OpenAiChunk {
  readonly choices?: readonly OpenAiChoice[] | null;
  /** See `usageOf`. */
  readonly usage?: unknown;
}

export interface OpenAiChoice {
  readonly index?: unknown;
  /** Chat. */
  readonly delta?: {
    readonly role?: unknown;
    readonly content?: string | null;
    readonly reasoning_content?: unknown;
    readonly tool_calls?: unknown;
  } | null;
  /** Completions. */
  readonly text?: string | null;
  readonly finish_reason?: string | null;
  readonly logprobs?: unknown;
  readonly token_ids?: readonly number[] | null;
  readonly prompt_token_ids?: readonly number[] | null;
}

export interface OpenAiUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

/** Whether all that the relay reads of an event is of its type: engines may send anything. Only the first choice counts. */
export function isOpenAiChunk(event: Readonly<Record<string, unknown>>): event is OpenAiChunk & typeof event {
  const { choices } = event;
  if (choices === undefined || choices === null) return true;
  return Array.isArray(choices) && (choices.length === 0 || isChoice(choices[0]));
}

function isChoice(choice: unknown): choice is OpenAiChoice {
  if (!isObject(choice)) return false;
  const { delta = null, text, finish_reason: reason, token_ids: ids, prompt_token_ids: promptIds } = choice;
  const hasText = delta === null || (isObject(delta) && isText(delta['content']));
  return hasText && isText(text) && isText(reason) && isTokenIds(ids) && isTokenIds(promptIds);
}

function isText(value: unknown): value is string | null | undefined {
  return value === undefined || value === null || typeof value === 'string';
}

/** The text that a chunk adds. */
export function textOf(choice: OpenAiChoice): string {
  return choice.delta?.content ?? choice.text ?? '';
}

/** The usage that a chunk states; undefined when it states none that can be counted with. */
export function usageOf({ usage }: OpenAiChunk): OpenAiUsage | undefined {
  if (!isObject(usage)) return undefined;
  const { prompt_tokens, completion_tokens } = usage;
  return isCount(prompt_tokens) && isCount(completion_tokens) ? { prompt_tokens, completion_tokens } : undefined;
}
