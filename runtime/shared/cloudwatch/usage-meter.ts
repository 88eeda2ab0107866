import type { PutMetricDataInput } from '@aws-sdk/client-cloudwatch';
import { dimensionsKey } from './metric-point.ts';
import { monthHours, prices } from './prices.ts';

/** What CloudWatch counts. */
export interface Usage {
  /** Of `PutMetricData`. */
  readonly calls: number;
  readonly logLines: number;
  readonly logBytes: number;
  /** For each hour, the metrics that had data in it. */
  readonly metricHours: number;
}

/** In US dollars. */
export interface Cost {
  readonly calls: number;
  readonly logs: number;
  readonly metrics: number;
}

export function costOf({ calls, logBytes, metricHours }: Usage): Cost {
  return {
    calls: calls * prices.putCall,
    logs: (logBytes / 1e9) * prices.logGigabyte,
    metrics: (metricHours / monthHours) * prices.metricMonth,
  };
}

/** What CloudWatch Logs adds to each event before it counts bytes. */
const eventOverheadBytes = 26;
const hourMs = 3_600_000;

/** Counts what calls and log lines would be charged for. */
export class UsageMeter {
  #calls = 0;
  #logLines = 0;
  #logBytes = 0;
  #metricHours = 0;
  readonly #metrics = new Set<string>();
  /** The metrics of the latest hour that was seen. */
  readonly #hour = { startMs: Number.NEGATIVE_INFINITY, metrics: new Set<string>() };

  get usage(): Usage {
    return { calls: this.#calls, logLines: this.#logLines, logBytes: this.#logBytes, metricHours: this.#metricHours };
  }

  /** Metrics that had data at any time. */
  get metrics(): number {
    return this.#metrics.size;
  }

  addCall({ Namespace, MetricData }: PutMetricDataInput): void {
    this.#calls++;
    for (const { MetricName, Dimensions, Timestamp } of MetricData ?? []) {
      const dimensions = Object.fromEntries((Dimensions ?? []).map(({ Name, Value }) => [Name, Value]));
      this.#addMetric([Namespace, MetricName, dimensionsKey(dimensions)], Number(Timestamp));
    }
  }

  /** @param line in the embedded metric format, without its newline */
  addLogLine(line: string): void {
    this.#logLines++;
    this.#logBytes += Buffer.byteLength(line) + eventOverheadBytes;
    const root = JSON.parse(line) as Record<string, string> & { _aws: EmfMetadata };
    const { Timestamp, CloudWatchMetrics } = root._aws;
    for (const { Namespace, Dimensions, Metrics } of CloudWatchMetrics) {
      for (const names of Dimensions) {
        const dimensions = dimensionsKey(Object.fromEntries(names.map((name) => [name, root[name]!])));
        for (const { Name } of Metrics) this.#addMetric([Namespace, Name, dimensions], Timestamp);
      }
    }
  }

  #addMetric(identity: readonly unknown[], atMs: number): void {
    const key = JSON.stringify(identity);
    this.#metrics.add(key);
    const startMs = Math.floor(atMs / hourMs) * hourMs;
    if (startMs > this.#hour.startMs) {
      this.#hour.startMs = startMs;
      this.#hour.metrics.clear();
    }
    if (startMs < this.#hour.startMs || this.#hour.metrics.has(key)) return;
    this.#hour.metrics.add(key);
    this.#metricHours++;
  }
}

interface EmfMetadata {
  readonly Timestamp: number;
  readonly CloudWatchMetrics: readonly {
    readonly Namespace: string;
    readonly Dimensions: readonly (readonly string[])[];
    readonly Metrics: readonly { readonly Name: string }[];
  }[];
}
