import type { Policy } from './policy.ts';

/** The defaults of sglang-router's command line (0.3.2). */
const cacheThreshold = 0.3;
const balanceAbsThreshold = 64;
const balanceRelThreshold = 1.5;

/**
 * The rule of sglang-router's `cache_aware`, for comparison: while the loads differ much, the least loaded worker;
 * otherwise the one with the longest match when it covers more than 30 % of the prompt, else the least loaded.
 * Its tree matches characters, ours whole blocks, so short prompts match less here.
 */
export const cacheAware: Policy = {
  name: 'cache-aware',
  scorer(request, workers) {
    let most = 0;
    let least = Number.POSITIVE_INFINITY;
    let longestBlocks = 0;
    for (const worker of workers) {
      most = Math.max(most, worker.inFlightRequests);
      least = Math.min(least, worker.inFlightRequests);
      longestBlocks = Math.max(longestBlocks, worker.prefixes.matchedBlocks(request.chain));
    }
    const isUnbalanced = most - least > balanceAbsThreshold && most > balanceRelThreshold * least;
    const matchedShare = (longestBlocks * request.tokensPerBlock) / request.promptTokens;
    if (isUnbalanced || matchedShare <= cacheThreshold) return (worker) => worker.inFlightRequests;
    return (_worker, uncachedTokens) => uncachedTokens;
  },
};
