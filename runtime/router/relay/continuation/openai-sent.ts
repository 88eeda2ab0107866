import { CannotContinue } from './cannot-continue.ts';
import { Members } from './json-edit.ts';
import type { ContinuableDialect } from './request-body.ts';
import type { SentEvent } from './sent-events.ts';

/** Fields of a chunk that the relay reads; every one may be missing. */
export interface OpenAiChunk {
  readonly choices?: readonly OpenAiChoice[] | null;
  readonly usage?: OpenAiUsage | null;
}

export interface OpenAiChoice {
  readonly index?: number;
  /** Chat. */
  readonly delta?: {
    readonly role?: string | null;
    readonly content?: string | null;
    readonly reasoning_content?: string | null;
    readonly tool_calls?: readonly unknown[] | null;
  };
  /** Completions. */
  readonly text?: string;
  readonly finish_reason?: string | null;
  readonly matched_stop?: string | number | null;
  readonly logprobs?: unknown;
  readonly token_ids?: readonly number[] | null;
  readonly prompt_token_ids?: readonly number[] | null;
}

export interface OpenAiUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

/** What a client has received of a chat or completions stream. */
export interface OpenAiSent {
  /** Raw JSON of the fields that are the same in every chunk, in their order; undefined before the first chunk. */
  readonly head: Readonly<Record<'id' | 'object' | 'created' | 'model', string>> | undefined;
  readonly hasRole: boolean;
  readonly text: string;
  /** Chunks that stand for a token at least each. */
  readonly tokenEvents: number;
  /** Usage of the last chunk that has one, and the chunk's bytes. */
  readonly usage: (OpenAiUsage & { readonly raw: string }) | undefined;
  /** Ids of prompt and output when the client asked for them (completions). */
  readonly promptIds: readonly number[] | undefined;
  readonly outputIds: readonly number[] | undefined;
  /** The last token's text may still be missing. */
  readonly textLagsIds: boolean;
  readonly finish: { readonly reason: string; readonly matchedStop: string | number | null | undefined } | undefined;
  /** Whether the last chunk, of usage alone, has been sent. */
  readonly hasUsageChunk: boolean;
}

/** Throws CannotContinue for a stream with several choices, separated reasoning, tool calls or log-probabilities. */
export function readOpenAiSent(dialect: ContinuableDialect, events: readonly SentEvent[]): OpenAiSent {
  let hasRole = false;
  let text = '';
  let tokenEvents = 0;
  let usage: OpenAiSent['usage'];
  let promptIds: readonly number[] | undefined;
  let outputIds: number[] | undefined;
  let textLagsIds = false;
  let finish: OpenAiSent['finish'];
  let hasUsageChunk = false;
  for (const { bytes, parsed } of events) {
    const chunk = parsed as OpenAiChunk;
    if (chunk.usage) usage = { ...chunk.usage, raw: new Members(bytes).raw('usage')! };
    const choice = chunk.choices?.[0];
    if (!choice) {
      hasUsageChunk ||= Boolean(chunk.usage);
      continue;
    }
    expectPlain(chunk.choices!);
    const piece = textOf(choice);
    hasRole ||= Boolean(choice.delta?.role);
    text += piece;
    if (dialect === 'completions' || piece !== '') tokenEvents++;
    promptIds ??= choice.prompt_token_ids ?? undefined;
    if (choice.token_ids) outputIds = [...(outputIds ?? []), ...choice.token_ids];
    textLagsIds = Boolean(choice.token_ids?.length) && piece === '';
    if (choice.finish_reason) finish = { reason: choice.finish_reason, matchedStop: choice.matched_stop };
  }
  const head = events[0] && headOf(events[0].bytes);
  return { head, hasRole, text, tokenEvents, usage, promptIds, outputIds, textLagsIds, finish, hasUsageChunk };
}

/** The text that a chunk adds. */
export function textOf(choice: OpenAiChoice): string {
  return choice.delta?.content ?? choice.text ?? '';
}

function expectPlain(choices: readonly OpenAiChoice[]): void {
  if (!Array.isArray(choices) || typeof textOf(choices[0]!) !== 'string') {
    throw new CannotContinue('an event that was sent is not readable');
  }
  const { index = 0, delta, logprobs } = choices[0]!;
  if (choices.length > 1 || index !== 0) throw new CannotContinue('it has several choices');
  // Which text stood between its marks is lost, so no request can put the model back where it was.
  if (delta?.reasoning_content) throw new CannotContinue('its reasoning was separated from its text');
  if (delta?.tool_calls?.length) throw new CannotContinue('it calls tools');
  if (logprobs) throw new CannotContinue('it carries log-probabilities');
}

function headOf(bytes: Buffer): OpenAiSent['head'] {
  const members = new Members(bytes);
  const raw = (key: string) => members.raw(key) ?? 'null';
  return { id: raw('id'), object: raw('object'), created: raw('created'), model: raw('model') };
}
