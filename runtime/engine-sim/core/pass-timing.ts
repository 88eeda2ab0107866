import type { EngineSettings } from './types.ts';

/** How long a prefill pass over `newTokens` uncached tokens takes, in ms. */
export function prefillPassMs(settings: EngineSettings, newTokens: number): number {
  return settings.prefillOverheadMs + (1_000 * newTokens) / settings.prefillTokensPerSecond;
}

/** How long a decode step takes, in ms: weights are read once, then each request costs a little and each context token its KV read. */
export function decodeStepMs(settings: EngineSettings, runningRequests: number, contextTokens: number): number {
  return (
    settings.decodeStepMs +
    settings.decodeMsPerRequest * runningRequests +
    (settings.decodeMsPerThousandContextTokens * contextTokens) / 1_000
  );
}
