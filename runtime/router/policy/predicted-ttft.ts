import type { Policy } from './policy.ts';
import { PrefillQueue } from './prefill-queue.ts';

/** What one running request adds to the first-token time of another: its share of the decode steps in between. */
const decodeMsPerRunningRequest = 0.5;

/**
 * The worker that will answer first: the prefill work ahead of the request, then its own uncached tokens, both at the
 * worker's learned rate, plus a small price per running request.
 */
export const predictedTtft: Policy = {
  name: 'predicted-ttft',
  scorer(_request, workers, nowMs) {
    const groupRate = PrefillQueue.groupRate(workers);
    return ({ prefill, inFlightRequests }, uncachedTokens) => {
      const tokensPerSecond = prefill.rateWithin(groupRate);
      return (
        prefill.waitMs(nowMs, tokensPerSecond) +
        (1_000 * uncachedTokens) / tokensPerSecond +
        decodeMsPerRunningRequest * inFlightRequests
      );
    };
  },
};
