import { CannotContinue } from './cannot-continue.ts';
import { Members } from './json-edit.ts';
import { isOpenAiChunk, type OpenAiChoice, type OpenAiUsage, textOf, usageOf } from './openai-chunk.ts';
import type { ContinuableDialect } from './request-body.ts';
import type { SentEvent } from './sent-events.ts';

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
  readonly finishReason: string | undefined;
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
  let finishReason: string | undefined;
  let hasUsageChunk = false;
  for (const { bytes, parsed } of events) {
    if (!isOpenAiChunk(parsed)) throw new CannotContinue('an event that was sent is not readable');
    const stated = usageOf(parsed);
    if (stated) usage = { ...stated, raw: new Members(bytes).raw('usage')! };
    const choice = parsed.choices?.[0];
    if (!choice) {
      hasUsageChunk ||= Boolean(parsed.usage);
      continue;
    }
    expectPlain(parsed.choices!);
    const piece = textOf(choice);
    hasRole ||= Boolean(choice.delta?.role);
    text += piece;
    if (dialect === 'completions' || piece !== '') tokenEvents++;
    promptIds ??= choice.prompt_token_ids ?? undefined;
    if (choice.token_ids) outputIds = [...(outputIds ?? []), ...choice.token_ids];
    textLagsIds = Boolean(choice.token_ids?.length) && piece === '';
    if (choice.finish_reason) finishReason = choice.finish_reason;
  }
  const head = events[0] && headOf(events[0].bytes);
  return { head, hasRole, text, tokenEvents, usage, promptIds, outputIds, textLagsIds, finishReason, hasUsageChunk };
}

function expectPlain(choices: readonly OpenAiChoice[]): void {
  const { index = 0, delta, logprobs } = choices[0]!;
  if (choices.length > 1 || index !== 0) throw new CannotContinue('it has several choices');
  // Which text stood between its marks is lost, so no request can put the model back where it was.
  if (delta?.reasoning_content) throw new CannotContinue('its reasoning was separated from its text');
  const calls = delta?.tool_calls;
  if (Array.isArray(calls) ? calls.length > 0 : calls) throw new CannotContinue('it calls tools');
  if (logprobs) throw new CannotContinue('it carries log-probabilities');
}

function headOf(bytes: Buffer): OpenAiSent['head'] {
  const members = new Members(bytes);
  const raw = (key: string) => members.raw(key) ?? 'null';
  return { id: raw('id'), object: raw('object'), created: raw('created'), model: raw('model') };
}
