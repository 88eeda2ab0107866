import type { PrefillQueue } from './prefill-queue.ts';
import type { PrefixIndex } from './prefix-index.ts';

/** What a policy may look at in a worker. */
export interface RoutableWorker {
  readonly id: string;
  /** Requests that this router has on the worker. */
  readonly inFlightRequests: number;
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

/** A worker with the reasons for its place. */
export interface RankedWorker<W> {
  readonly worker: W;
  /** Lower is better; ms of predicted first-token time for `predicted-ttft`, the policy's own measure elsewhere. */
  readonly score: number;
  /** Prompt tokens that the worker probably has to compute. */
  readonly uncachedTokens: number;
}

/** Orders the workers that may take a request, best first. Must not keep or change what it is given. */
export interface Policy {
  readonly name: string;
  rank<W extends RoutableWorker>(request: RoutingFacts, workers: readonly W[], nowMs: number): RankedWorker<W>[];
}

/** Prompt tokens that `worker` probably has to compute: all but the blocks it holds, and at least one. */
export function uncachedTokensOn(worker: RoutableWorker, request: RoutingFacts): number {
  const cached = worker.prefixes.matchedBlocks(request.chain) * request.tokensPerBlock;
  return Math.max(1, request.promptTokens - cached);
}

/** Ranks by a score, lowest first; of equal scores the one that has waited longest for a request. */
export function rankByScore<W extends RoutableWorker>(
  request: RoutingFacts,
  workers: readonly W[],
  score: (worker: W, uncachedTokens: number) => number,
): RankedWorker<W>[] {
  return workers
    .map((worker) => {
      const uncachedTokens = uncachedTokensOn(worker, request);
      return { worker, uncachedTokens, score: score(worker, uncachedTokens) };
    })
    .sort((a, b) => a.score - b.score || a.worker.lastSentAtMs - b.worker.lastSentAtMs);
}
