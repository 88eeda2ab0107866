import type { PrefillQueue } from './prefill-queue.ts';
import type { PrefixIndex } from './prefix-index.ts';

/** What a policy may look at in a worker. */
export interface RoutableWorker {
  readonly id: string;
  /** Requests that this router has on the worker. */
  readonly inFlightRequests: number;
  /** Estimated prompt tokens of these requests, cached ones included. */
  readonly inFlightTokens: number;
  /** Size of its KV pool. */
  readonly kvTokens: number;
  /** When it was last given a request, ms on the router's clock; 0 when never. */
  readonly lastSentAtMs: number;
  readonly prefill: PrefillQueue;
  readonly prefixes: PrefixIndex;
}

/** What a policy may look at in a request. */
export interface RoutingFacts {
  /** Rolling block hashes of the prompt; see hashPromptBlocks. */
  readonly chain: readonly number[];
  /** Estimated length of the prompt. */
  readonly promptTokens: number;
  /** Estimated tokens of one block of the chain. */
  readonly tokensPerBlock: number;
}

/**
 * Scores one worker for one request; the lowest score wins, Infinity never does unless all have it.
 * @param uncachedTokens prompt tokens that the worker probably has to compute
 * @param index place of the worker in the list that `scorer` was given
 */
export type Score = (worker: RoutableWorker, uncachedTokens: number, index: number) => number;

/** How a worker is chosen. */
export interface Policy {
  readonly name: string;
  /** Looks at the whole request once; the result scores each worker. Must not keep or change what it is given. */
  scorer(request: RoutingFacts, workers: readonly RoutableWorker[], nowMs: number): Score;
}

/** A worker with the reasons for its place. */
export interface RankedWorker<W> {
  readonly worker: W;
  /** Lower is better; ms of predicted first-token time and of prices for `predicted-ttft`, the policy's own measure elsewhere. */
  readonly score: number;
  readonly uncachedTokens: number;
  /** Those on the worker that holds most of the prompt; what is between them is the regret of the choice. */
  readonly leastUncachedTokens: number;
}

/**
 * Prompt tokens that `worker` probably has to compute, at least one: all but the blocks it holds and half a block, since
 * what an engine holds ends anywhere in the block after them.
 */
export function uncachedTokensOn(worker: RoutableWorker, request: RoutingFacts): number {
  const matched = worker.prefixes.matchedBlocks(request.chain);
  if (matched === 0) return request.promptTokens;
  return Math.max(1, request.promptTokens - (matched + 0.5) * request.tokensPerBlock);
}

/** Blocks of KV, with a fraction, that a request takes beside its chain: the end of its prompt, and its answer. */
export function restBlocks({ chain, promptTokens, tokensPerBlock }: RoutingFacts, answerTokens: number): number {
  return (Math.max(0, promptTokens - chain.length * tokensPerBlock) + answerTokens) / tokensPerBlock;
}

/**
 * The best of `workers`, undefined when there are none. Of equal scores the one that has waited longest for a request.
 * One pass without garbage per worker: this runs for every request, over every worker.
 */
export function chooseWorker<W extends RoutableWorker>(
  policy: Policy,
  request: RoutingFacts,
  workers: readonly W[],
  nowMs: number,
): RankedWorker<W> | undefined {
  const score = policy.scorer(request, workers, nowMs);
  let best: W | undefined;
  let bestScore = 0;
  let bestUncached = 0;
  let leastUncached = Number.POSITIVE_INFINITY;
  for (let i = 0; i < workers.length; i++) {
    const worker = workers[i]!;
    const uncached = uncachedTokensOn(worker, request);
    if (uncached < leastUncached) leastUncached = uncached;
    const its = score(worker, uncached, i);
    const isBetter =
      best === undefined || its < bestScore || (its === bestScore && worker.lastSentAtMs < best.lastSentAtMs);
    if (!isBetter) continue;
    best = worker;
    bestScore = its;
    bestUncached = uncached;
  }
  return (
    best && {
      worker: best,
      score: bestScore,
      uncachedTokens: bestUncached,
      leastUncachedTokens: leastUncached,
    }
  );
}

/** All workers, best first, for explanations; agrees with `chooseWorker` on the first. */
export function rankWorkers<W extends RoutableWorker>(
  policy: Policy,
  request: RoutingFacts,
  workers: readonly W[],
  nowMs: number,
): RankedWorker<W>[] {
  const score = policy.scorer(request, workers, nowMs);
  const uncached = workers.map((worker) => uncachedTokensOn(worker, request));
  const leastUncachedTokens = uncached.reduce((least, tokens) => Math.min(least, tokens), Number.POSITIVE_INFINITY);
  return workers
    .map((worker, i) => {
      const uncachedTokens = uncached[i]!;
      return { worker, uncachedTokens, leastUncachedTokens, score: score(worker, uncachedTokens, i) };
    })
    .sort((a, b) => a.score - b.score || a.worker.lastSentAtMs - b.worker.lastSentAtMs);
}
