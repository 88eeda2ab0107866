import type { EngineSettings } from './types.ts';

/**
 * How long a prefill pass takes, in ms.
 * @param newTokens uncached prompt tokens of the pass
 * @param attendedTokens sum over them of the tokens before each one
 */
export function prefillPassMs(settings: EngineSettings, newTokens: number, attendedTokens: number): number {
  const { prefillDoublingContextTokens: doubling = Number.POSITIVE_INFINITY } = settings;
  const costTokens = newTokens + attendedTokens / doubling;
  return settings.prefillOverheadMs + (1_000 * costTokens) / settings.prefillTokensPerSecond;
}

/** Sum over tokens `from` to `to` of a sequence of the tokens before each one. */
export function attendedTokens(from: number, to: number): number {
  return ((to - from) * (from + to - 1)) / 2;
}

/** How long a decode step takes, in ms: weights are read once, then each request costs a little and each context token its KV read. */
export function decodeStepMs(settings: EngineSettings, runningRequests: number, contextTokens: number): number {
  return (
    settings.decodeStepMs +
    settings.decodeMsPerRequest * runningRequests +
    (settings.decodeMsPerThousandContextTokens * contextTokens) / 1_000
  );
}
