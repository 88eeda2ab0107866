/** What daemons tell CloudWatch, before it is known how it travels there. */
export type MetricUnit = 'Count' | 'Seconds' | 'Milliseconds' | 'Percent' | 'None';

export interface Metric {
  /** In CamelCase, e.g. `TimeToFirstToken`. */
  readonly name: string;
  readonly unit: MetricUnit;
  /** Distinct values, at least one, all finite. */
  readonly values: readonly number[];
  /** How often each of `values` was seen. @default - once each */
  readonly counts?: readonly number[];
  /** Needed by a scaling policy: stored at high resolution, which costs a call each interval. @default false */
  readonly drivesScaling?: boolean;
}

export interface MetricReport {
  /** Middle or end of the interval that the metrics describe, ms since the epoch. */
  readonly atMs: number;
  /** Few and of few values, since each combination is a metric that is paid for. */
  readonly dimensions: Readonly<Record<string, string>>;
  readonly metrics: readonly Metric[];
  /** Detail that only a log carries (the instance, the model): searchable, not paid as metrics. */
  readonly properties?: Readonly<Record<string, string | number | boolean | null>>;
}

/** The way to CloudWatch. */
export interface MetricSink {
  /** Takes a report; never throws and never waits. What cannot be sent now is kept within a bound. */
  send(report: MetricReport): void;
  /** Sends what is kept, as far as the deadline allows. */
  close(): Promise<void>;
}
