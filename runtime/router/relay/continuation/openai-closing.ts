import type { OpenAiSent } from './openai-sent.ts';
import type { ContinuableDialect } from './request-body.ts';

/** The chunks that end a chat or completions stream, as SGLang 0.5.23 writes them. */

/** A chunk that only says why the text ended. */
export function finishPayload(
  dialect: ContinuableDialect,
  head: OpenAiSent['head'],
  reason: string,
  matchedStop: string | null,
): string {
  const start = dialect === 'chat' ? '"delta":{"reasoning_content":null}' : '"text":""';
  const finish = `"finish_reason":${JSON.stringify(reason)},"matched_stop":${JSON.stringify(matchedStop)}`;
  const end = dialect === 'chat' ? '' : ',"usage":null';
  return `{${headMembers(head)}"choices":[{"index":0,${start},"logprobs":null,${finish}}]${end}}`;
}

/** The chunk of usage alone that comes before the end mark when the client asked for it. */
export function usagePayload(head: OpenAiSent['head'], usage: string): string {
  return `{${headMembers(head)}"choices":[],"usage":${usage}}`;
}

function headMembers(head: OpenAiSent['head']): string {
  return Object.entries(head ?? {})
    .map(([key, raw]) => `"${key}":${raw},`)
    .join('');
}
