import type { FinishedRequestEvent } from './log-event.ts';

/** What a line must hold to be about a finished request. */
export const finishedRequestMark = '"request.finished"';

const noRank = Object.freeze({});
/** SGLang's own probes and warm-up are no client's requests. */
const probePrefix = 'HEALTH_CHECK';

/**
 * Reads `{"timestamp":...,"event":"request.finished","rid":...,"obj":{...},"out":{"meta_info":{...}}}`, which stands alone
 * on its line or behind a wrapper's prefix. Undefined for anything else, cut lines included; never throws.
 */
export function parseFinishedRequest(line: string): FinishedRequestEvent | undefined {
  const start = line.indexOf('{"timestamp"');
  const record = start < 0 ? undefined : parseObject(line.slice(start));
  if (record === undefined || record['event'] !== 'request.finished') return undefined;
  if (typeof record['rid'] === 'string' && record['rid'].startsWith(probePrefix)) return undefined;
  const meta = asObject(asObject(record['out'])?.['meta_info']);
  if (meta === undefined) return undefined;
  const promptTokens = countIn(meta, 'prompt_tokens');
  const cachedTokens = countIn(meta, 'cached_tokens');
  const completionTokens = countIn(meta, 'completion_tokens');
  const endToEndSeconds = numberIn(meta, 'e2e_latency');
  // 0.5.3 and its time; later versions leave it to /metrics.
  const firstTokenSeconds = numberIn(meta, 'ttft_latency');
  const interTokenSeconds = meanGap(endToEndSeconds, firstTokenSeconds, completionTokens);
  return {
    kind: 'request-finished',
    time: typeof record['timestamp'] === 'string' ? record['timestamp'] : null,
    rank: noRank,
    ...(promptTokens !== undefined && { promptTokens }),
    // It could exceed the prompt after a retraction (until 0.5.4).
    ...(cachedTokens !== undefined && { cachedTokens: Math.min(cachedTokens, promptTokens ?? cachedTokens) }),
    ...(completionTokens !== undefined && { completionTokens }),
    ...(endToEndSeconds !== undefined && { endToEndSeconds }),
    ...(firstTokenSeconds !== undefined && { firstTokenSeconds }),
    ...(interTokenSeconds !== undefined && { interTokenSeconds }),
  };
}

function meanGap(endToEnd: number | undefined, first: number | undefined, tokens: number | undefined) {
  if (endToEnd === undefined || first === undefined || tokens === undefined || tokens < 2) return undefined;
  return Math.max(0, endToEnd - first) / (tokens - 1);
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function numberIn(fields: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = fields[name];
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function countIn(fields: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = numberIn(fields, name);
  return Number.isSafeInteger(value) ? value : undefined;
}
