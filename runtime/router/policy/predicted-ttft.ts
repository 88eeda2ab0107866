import type { Policy } from './policy.ts';

/** What one running request adds to the first-token time of another: its share of the decode steps in between. */
const decodeMsPerRunningRequest = 0.5;

/**
 * The worker that will answer first: the prefill work ahead of the request, then its own uncached tokens, both at the
 * worker's learned rate, plus a small price per running request.
 */
export const predictedTtft: Policy = {
  name: 'predicted-ttft',
  scorer: (_request, _workers, nowMs) => (worker, uncachedTokens) =>
    worker.prefill.waitMs(nowMs) +
    (1_000 * uncachedTokens) / worker.prefill.tokensPerSecond +
    decodeMsPerRunningRequest * worker.inFlightRequests,
};
