import type { Metric, MetricReport } from '../../runtime/shared/cloudwatch/metric-report.ts';
import { seededRandom } from '../routing/random.ts';

/** Load of the worker. Each finished request gives three latencies, which are what makes reports long. */
export const requestsPerSecond = 5;
const tokensPerRequest = 300;
/** Distinct times between tokens that a histogram of an interval has. */
const interTokenValues = 60;

/**
 * What the log monitor of a busy worker reports: every metric that a serving worker has in every interval, with latencies
 * as single values (the JSON request log), which take more room than the engine's histograms.
 */
export class BusyWorker {
  readonly #random = seededRandom(7);

  /** @param intervalSeconds what the report is about */
  report(atMs: number, intervalSeconds: number): MetricReport {
    const requests = requestsPerSecond * intervalSeconds;
    const prefillTokens = this.#count(requests * 900);
    const cachedTokens = this.#count(requests * 1_100);
    const metrics: Metric[] = [
      { name: 'Utilization', unit: 'None', values: [this.#share(0.7)], drivesScaling: true },
      { name: 'RunningRequests', unit: 'Count', values: [this.#count(40)] },
      { name: 'QueuedRequests', unit: 'Count', values: [this.#count(4)] },
      { name: 'KVCacheUsage', unit: 'None', values: [this.#share(0.8)] },
      { name: 'PrefillTokens', unit: 'Count', values: [prefillTokens] },
      { name: 'CachedTokens', unit: 'Count', values: [cachedTokens] },
      { name: 'GenerationTokens', unit: 'Count', values: [this.#count(requests * tokensPerRequest)] },
      {
        name: 'CacheHitRate',
        unit: 'None',
        values: [round(cachedTokens / (prefillTokens + cachedTokens))],
        counts: [prefillTokens + cachedTokens],
      },
      { name: 'TimeToFirstToken', unit: 'Seconds', values: this.#latencies(requests, 0.4) },
      { name: 'EndToEndLatency', unit: 'Seconds', values: this.#latencies(requests, 9) },
      {
        name: 'InterTokenLatency',
        unit: 'Seconds',
        values: this.#latencies(interTokenValues, 0.03),
        counts: Array.from({ length: interTokenValues }, () =>
          this.#count((requests * tokensPerRequest) / interTokenValues),
        ),
      },
      { name: 'Retractions', unit: 'Count', values: [this.#count(1)] },
    ];
    return {
      atMs,
      dimensions: { AutoScalingGroupName: 'production-workers-chat' },
      metrics,
      properties: {
        instanceId: 'i-0123456789abcdef0',
        model: 'Qwen/Qwen3-8B',
        sequence: Math.floor(atMs / 1_000),
        isInService: true,
        capacityRequests: 57,
        sources:
          'loads: RunningRequests QueuedRequests KVCacheUsage; metrics: PrefillTokens CachedTokens GenerationTokens',
      },
    };
  }

  /** Log-normal with this median, over about two decades, as the engine prints them. */
  #latencies(length: number, median: number): number[] {
    return Array.from({ length }, () => Number((median * Math.exp(normal(this.#random))).toFixed(4)));
  }

  #count(mean: number): number {
    return Math.max(1, Math.round(mean * (0.75 + this.#random() / 2)));
  }

  #share(mean: number): number {
    return round(Math.min(1, mean * (0.75 + this.#random() / 2)));
  }
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

/** Standard normal (Box and Muller). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
