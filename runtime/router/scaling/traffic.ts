import type { routerErrors } from '../errors.ts';
import type { RankedWorker, RoutingFacts } from '../policy/policy.ts';
import { BucketCounts, type Distribution, geometricBuckets, linearBuckets } from './bucket-counts.ts';

/** Waits and first-token times, in seconds. Steps of 14 %; fewer than 100 values fit into one metric, however it travels. */
const durations = geometricBuckets(0.002, 600, 97);
/** Shares of a prompt, in steps of 2 %. */
const shares = linearBuckets(1, 50);

/**
 * Refusals for want of capacity. A key over its own limits is none: more workers would not help it.
 * Each is the outcome of a request, see `RouterMetrics.requestEnded`.
 */
const refusals: ReadonlySet<string> = new Set<keyof typeof routerErrors>([
  'QUEUE_FULL',
  'QUEUE_TIMEOUT',
  'HOLD_FULL',
  'NO_READY_WORKER',
  'ENGINE_OVERLOADED',
]);

/** What a router saw of its requests in one interval. */
export interface TrafficInterval {
  /** Wait of each request until it was given to a worker, 0 for most, in seconds. */
  readonly queueSeconds: Distribution | undefined;
  /** From the arrival of each stream's request to its first event, in seconds. */
  readonly firstTokenSeconds: Distribution | undefined;
  /** Per request, the share of its prompt that another worker had cached beyond what the chosen one had, 0 to 1. */
  readonly regretShare: Distribution | undefined;
  /** Requests refused for want of capacity. */
  readonly refusals: number;
  /** Times that this router raised the worker group. */
  readonly raises: number;
}

/** Counts what CloudWatch is told of a router's requests. The methods for single requests make no garbage. */
export class Traffic {
  readonly #queueSeconds = new BucketCounts(durations);
  readonly #firstTokenSeconds = new BucketCounts(durations);
  readonly #regretShare = new BucketCounts(shares);
  #refusals = 0;
  #raises = 0;
  /** Prompt tokens of all requests that were given to a worker, since the start. */
  promptTokens = 0;
  /** Those of them that another worker had cached and the chosen one had not. */
  regretTokens = 0;

  /**
   * A request is given to its first worker.
   * @param waitedMs in the queue and for a worker to become ready
   */
  routed(
    waitedMs: number,
    { promptTokens }: Pick<RoutingFacts, 'promptTokens'>,
    { uncachedTokens, leastUncachedTokens }: Pick<RankedWorker<unknown>, 'uncachedTokens' | 'leastUncachedTokens'>,
  ): void {
    this.#queueSeconds.add(waitedMs / 1_000);
    if (promptTokens <= 0) return;
    const regretTokens = uncachedTokens - leastUncachedTokens;
    this.promptTokens += promptTokens;
    this.regretTokens += regretTokens;
    this.#regretShare.add(regretTokens / promptTokens);
  }

  /** The first event of a stream has come. */
  firstTokenAfter(elapsedMs: number): void {
    this.#firstTokenSeconds.add(elapsedMs / 1_000);
  }

  /** @param outcome as for `RouterMetrics.requestEnded` */
  ended(outcome: string): void {
    if (outcome !== 'ok' && refusals.has(outcome)) this.#refusals++;
  }

  raised(): void {
    this.#raises++;
  }

  /** What was seen since the last call. */
  take(): TrafficInterval {
    const interval = {
      queueSeconds: this.#queueSeconds.take(),
      firstTokenSeconds: this.#firstTokenSeconds.take(),
      regretShare: this.#regretShare.take(),
      refusals: this.#refusals,
      raises: this.#raises,
    };
    this.#refusals = 0;
    this.#raises = 0;
    return interval;
  }
}
