import { WindowAggregator } from '../../runtime/log-monitor/aggregate.ts';
import type { PublishedWindow } from '../../runtime/log-monitor/published-window.ts';
import { type HistogramName, readEngineMetrics } from '../../runtime/log-monitor/sources/engine-metrics.ts';
import { histogramValues } from '../../runtime/log-monitor/sources/histogram-values.ts';
import type { Measurement, Measurements } from '../../runtime/log-monitor/sources/measurement.ts';
import { windowReports } from '../../runtime/log-monitor/window-report.ts';
import type { MetricReport } from '../../runtime/shared/cloudwatch/metric-report.ts';
import { seededRandom } from '../routing/random.ts';
import { capturedAnswer } from '../support/captured-answer.ts';

/** Load of the worker. */
export const requestsPerSecond = 5;
const tokensPerRequest = 300;
const medianSeconds: Readonly<Record<HistogramName, number>> = {
  timeToFirstToken: 0.4,
  interTokenLatency: 0.03,
  endToEndLatency: 9,
};

/** What an engine tells latencies by: the histograms of its `/metrics`, as the fleet starts it, or each in its JSON log. */
export type LatencySource = 'metrics-finished' | 'request-log';

/**
 * What the log monitor reports of a busy worker, made by the monitor's own code from windows in which every measure has a
 * value. Latencies are log-normal; the histograms have the buckets of a real 0.5.23.
 */
export class BusyWorker {
  readonly #random = seededRandom(7);
  readonly #bounds = realBounds();
  readonly #latencySource: LatencySource;

  constructor(latencySource: LatencySource) {
    this.#latencySource = latencySource;
  }

  /** @param intervalSeconds what the reports are about */
  reports(atMs: number, intervalSeconds: number): MetricReport[] {
    const window: PublishedWindow = {
      ...new WindowAggregator().close(),
      sequence: Math.floor(atMs / 1_000),
      from: new Date(atMs - intervalSeconds * 1_000).toISOString(),
      to: new Date(atMs).toISOString(),
      model: 'Qwen/Qwen3-8B',
      isInService: true,
      utilization: this.#share(0.7),
      capacityRequests: 57,
      measurements: this.#measurements(requestsPerSecond * intervalSeconds),
      engineRestarts: 0,
      startups: [],
    };
    return windowReports(window, { groupName: 'production-workers-chat', instanceId: 'i-0123456789abcdef0' });
  }

  #measurements(requests: number): Measurements {
    const tokens = requests * tokensPerRequest;
    return {
      runningRequests: { values: [this.#count(40)], source: 'loads' },
      queuedRequests: { values: [this.#count(4)], source: 'loads' },
      kvCacheUsage: { values: [this.#share(0.8)], source: 'loads' },
      prefillTokens: { values: [this.#count(requests * 900)], source: 'log' },
      cachedTokens: { values: [this.#count(requests * 1_100)], source: 'log' },
      generationTokens: { values: [this.#count(tokens)], source: 'metrics' },
      timeToFirstToken: this.#latencies('timeToFirstToken', requests),
      interTokenLatency: this.#latencies(
        'interTokenLatency',
        this.#latencySource === 'request-log' ? requests : tokens,
      ),
      endToEndLatency: this.#latencies('endToEndLatency', requests),
      retractions: { values: [this.#count(1)], source: 'log' },
    };
  }

  #latencies(name: HistogramName, count: number): Measurement {
    const seconds = Array.from(
      { length: count },
      () => Math.round(1e6 * medianSeconds[name] * Math.exp(normal(this.#random))) / 1e6,
    );
    const source = this.#latencySource;
    if (source === 'request-log') return { values: seconds, source };
    const bounds = this.#bounds[name];
    const counts = new Array<number>(bounds.length + 1).fill(0);
    for (const value of seconds) counts[bounds.filter((bound) => bound < value).length]!++;
    return { ...histogramValues({ bounds, counts, sum: seconds.reduce((sum, value) => sum + value, 0) }), source };
  }

  #count(mean: number): number {
    return Math.max(1, Math.round(mean * (0.75 + this.#random() / 2)));
  }

  #share(mean: number): number {
    return Math.round(Math.min(1, mean * (0.75 + this.#random() / 2)) * 10_000) / 10_000;
  }
}

/** Bounds of the buckets of a recorded `/metrics`, in seconds. */
function realBounds(): Readonly<Record<HistogramName, readonly number[]>> {
  const histograms = readEngineMetrics(capturedAnswer('get_metrics_busy'))?.totals.histograms ?? {};
  const boundsOf = (name: HistogramName) => {
    const bounds = histograms[name]?.bounds;
    if (bounds === undefined) throw new Error(`The recorded /metrics has no ${name}.`);
    return bounds;
  };
  return {
    timeToFirstToken: boundsOf('timeToFirstToken'),
    interTokenLatency: boundsOf('interTokenLatency'),
    endToEndLatency: boundsOf('endToEndLatency'),
  };
}

/** Standard normal (Box and Muller). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
