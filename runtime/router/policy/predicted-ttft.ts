import type { Policy } from './policy.ts';
import { PrefillQueue } from './prefill-queue.ts';

/** What a request's own prefill costs whoever comes after it, as a share of its length. */
const delayPrice = 0.5;
/** What a worker whose KV pool is just full costs: requests wait there for others to end, and lose cached prefixes. */
const fullPoolMs = 1_000;

/**
 * The worker that will answer first: the prefill work ahead of the request and its own uncached tokens at the worker's
 * learned rate; and two prices that keep the fleet fast for the requests to come, for uncached tokens, which delay them,
 * and for a crowded KV pool.
 */
export const predictedTtft: Policy = {
  name: 'predicted-ttft',
  scorer(_request, workers, nowMs) {
    const groupRate = PrefillQueue.groupRate(workers);
    return ({ prefill, inFlightTokens, kvTokens }, uncachedTokens) => {
      const tokensPerSecond = prefill.rateWithin(groupRate);
      const fill = (inFlightTokens + uncachedTokens) / kvTokens;
      return (
        prefill.waitMs(nowMs, tokensPerSecond) +
        ((1 + delayPrice) * 1_000 * uncachedTokens) / tokensPerSecond +
        fullPoolMs * fill * fill
      );
    };
  },
};
