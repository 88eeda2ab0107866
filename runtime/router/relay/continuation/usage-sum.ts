import { isCount, isObject } from './event-fields.ts';
import type { Edit, Members } from './json-edit.ts';
import type { OpenAiUsage } from './openai-chunk.ts';

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
  // An engine may say anything: what is no number is left as it is, and so is what would follow from it.
  const stated = (key: string) => {
    const value = usage.value(key);
    return isCount(value) ? value : Number.NaN;
  };
  const prompt = sent?.prompt_tokens ?? Math.max(0, stated('prompt_tokens') - promptOffset);
  const completion = totalTokens ?? spent + stated('completion_tokens');
  const edits: Edit[] = [];
  const setNumber = (key: string, value: number) => {
    if (isCount(stated(key)) && isCount(value)) edits.push(usage.set(key, String(value)));
  };
  setNumber('prompt_tokens', prompt);
  setNumber('completion_tokens', completion);
  setNumber('total_tokens', prompt + completion);
  const details = usage.object('prompt_tokens_details');
  const cached = details?.value('cached_tokens');
  const cachedBefore = cachedTokensOf(sent?.raw);
  const cachedNow = cachedBefore ?? (isCount(cached) ? Math.min(cached, prompt) : Number.NaN);
  if (details && isCount(cached) && isCount(cachedNow)) edits.push(details.set('cached_tokens', String(cachedNow)));
  return edits;
}

function cachedTokensOf(raw: string | undefined): number | undefined {
  const usage: unknown = raw === undefined ? undefined : JSON.parse(raw);
  const details = isObject(usage) ? usage['prompt_tokens_details'] : undefined;
  const cached = isObject(details) ? details['cached_tokens'] : undefined;
  return isCount(cached) ? cached : undefined;
}
