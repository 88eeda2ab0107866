import type { KeyMeter } from './key-meter.ts';
import type { TokenBucket } from './token-bucket.ts';

/**
 * What a key has left, in the headers of the OpenAI API, as a flat list of names and values; empty for a key without
 * limits. "Tokens" are uncached ones here. `reset` is when the whole limit is there again.
 */
export function rateLimitHeaders(meter: KeyMeter | undefined, nowMs: number): string[] {
  if (meter === undefined) return [];
  const headers = [
    ...bucketHeaders('requests', meter.requests, nowMs),
    ...bucketHeaders('tokens', meter.tokens, nowMs),
  ];
  const { concurrentRequests } = meter.limits;
  if (concurrentRequests !== undefined) {
    headers.push(
      'x-ratelimit-limit-concurrent-requests',
      String(concurrentRequests),
      'x-ratelimit-remaining-concurrent-requests',
      String(Math.max(0, concurrentRequests - meter.open)),
    );
  }
  return headers;
}

function bucketHeaders(unit: string, bucket: TokenBucket | undefined, nowMs: number): string[] {
  if (bucket === undefined) return [];
  return [
    `x-ratelimit-limit-${unit}`,
    String(bucket.perMinute),
    `x-ratelimit-remaining-${unit}`,
    String(Math.max(0, Math.floor(bucket.level(nowMs)))),
    `x-ratelimit-reset-${unit}`,
    formatDuration(bucket.msUntilFull(nowMs)),
  ];
}

/** As OpenAI writes durations: `0s`, `120ms`, `1.5s`, `6m0s`. */
export function formatDuration(ms: number): string {
  const whole = Math.ceil(ms);
  if (whole > 0 && whole < 1_000) return `${whole}ms`;
  const seconds = (whole % 60_000) / 1_000;
  return whole < 60_000 ? `${seconds}s` : `${Math.floor(whole / 60_000)}m${seconds}s`;
}
