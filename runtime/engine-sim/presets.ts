import type { EngineSettings } from './core/types.ts';

/** Engine settings under a name, with where each figure comes from. */
export interface EnginePreset {
  readonly name: string;
  readonly summary: string;
  readonly settings: EngineSettings;
}

const schedulerDefaults = {
  prefillOverheadMs: 5,
  chunkedPrefillTokens: 8_192,
  maxRunningRequests: 256,
  maxQueuedRequests: undefined,
  cacheBlockTokens: 16,
  decodeLogInterval: 40,
} as const;

export const defaultPreset: EnginePreset = {
  name: 'default',
  summary: 'The engine of the routing benchmarks: round figures, no particular GPU',
  settings: {
    ...schedulerDefaults,
    prefillTokensPerSecond: 8_000,
    decodeStepMs: 10,
    decodeMsPerRequest: 0.2,
    decodeMsPerThousandContextTokens: 0.05,
    maxTotalTokens: 200_000,
  },
};
