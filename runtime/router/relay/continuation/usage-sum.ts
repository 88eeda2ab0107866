import type { Edit, Members } from './json-edit.ts';
import type { OpenAiUsage } from './openai-sent.ts';

export interface UsageSum {
  /** The usage that the first engine stated last, undefined when it stated none. */
  readonly sent: (OpenAiUsage & { readonly raw: string }) | undefined;
  /** Tokens of the first part of the answer. */
  readonly spent: number;
  /** How many tokens of the first part the next engine counts as prompt. */
  readonly promptOffset: number;
  /** Tokens of the whole answer where the next engine's count does not say. */
  readonly totalTokens: number | undefined;
}

/**
 * Edits that make the next engine's usage that of the whole answer. The prompt is the client's, completion tokens add
 * up; cached tokens are those of the first engine where it stated them, else the next engine's as far as the prompt goes.
 */
export function usageEdits(usage: Members, sum: UsageSum): Edit[] {
  const { sent, spent, promptOffset, totalTokens } = sum;
  const stated = (key: string) => usage.value(key);
  const prompt = sent?.prompt_tokens ?? Math.max(0, Number(stated('prompt_tokens')) - promptOffset);
  const completion = totalTokens ?? spent + Number(stated('completion_tokens'));
  const edits: Edit[] = [];
  const setNumber = (key: string, value: number) => {
    if (typeof stated(key) === 'number' && Number.isFinite(value)) edits.push(usage.set(key, String(value)));
  };
  setNumber('prompt_tokens', prompt);
  setNumber('completion_tokens', completion);
  setNumber('total_tokens', prompt + completion);
  const details = usage.object('prompt_tokens_details');
  const cached = details?.value('cached_tokens');
  const cachedBefore = cachedTokensOf(sent?.raw);
  if (details && typeof cached === 'number') {
    edits.push(details.set('cached_tokens', String(cachedBefore ?? Math.min(cached, prompt))));
  }
  return edits;
}

function cachedTokensOf(raw: string | undefined): number | undefined {
  const usage = raw === undefined ? undefined : JSON.parse(raw);
  const cached: unknown = usage?.prompt_tokens_details?.cached_tokens;
  return typeof cached === 'number' ? cached : undefined;
}
