import type { CrashClass } from './log-event.ts';
import type { Spread } from './spread.ts';

/**
 * What the log said in one window. Counts are sums over data-parallel ranks. "Last" values are those of the last line of
 * each rank in this window and null when there was none: an idle engine prints nothing, so silence is not a zero.
 */
export interface WindowAggregate {
  readonly lines: number;
  /** Batch lines that counted. */
  readonly batchLines: number;
  /** Batch lines that only repeated what another rank of the same group said. */
  readonly copiedBatchLines: number;
  readonly dataParallelRanks: number;
  readonly runningRequests: number | null;
  readonly queuedRequests: number | null;
  /** Tokens still to prefill (since 0.5.10). */
  readonly pendingTokens: number | null;
  /** Fraction of the KV pool in use: mean over ranks, and the highest of any line. */
  readonly kvCacheUsage: number | null;
  readonly kvCacheUsageMax: number | null;
  /** Prompt tokens computed, cached ones excluded. */
  readonly prefillTokens: number;
  readonly cachedTokens: number;
  /** Share of prompt tokens that came from the cache, 0 to 1. */
  readonly cacheHitRate: number | null;
  /** Estimate: each printed rate times the time that it spans. The log counts no generated tokens. */
  readonly generationTokens: number;
  /** Rates as single lines of one rank print them; null when no line printed a meaningful one. */
  readonly prefillTokensPerSecond: Spread | null;
  readonly generationTokensPerSecond: Spread | null;
  readonly retractedRequests: number;
  readonly engineStarts: number;
  readonly failedHealthChecks: number;
  readonly orphanedOutputs: number;
  readonly failedTransfers: number;
  /** As the JSON request log counts them; 0 without one. */
  readonly finishedRequests: number;
  /** Fatal crash markers in the order of the log, each class once. */
  readonly crashes: readonly CrashClass[];
}
