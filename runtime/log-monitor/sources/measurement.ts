/**
 * Where a number comes from:
 * - `loads`: samples of `/v1/loads` (SGLang 0.5.8 and later) or `/get_load` (0.5.0 to 0.5.7)
 * - `metrics`: `/metrics`, series that grow while requests run
 * - `metrics-finished`: `/metrics`, series that grow only when a request ends
 * - `request-log`: JSON lines about finished requests in the engine's log (`--log-requests`)
 * - `log`: batch lines and everything else that the engine logs
 */
export const sources = ['loads', 'metrics', 'metrics-finished', 'request-log', 'log'] as const;
export type Source = (typeof sources)[number];

/** Values and how often each was seen, as CloudWatch takes them. */
export interface ValueCounts {
  readonly values: readonly number[];
  /** As long as `values`. @default - once each */
  readonly counts?: readonly number[];
}

/** A number of one window, from one source. */
export interface Measurement extends ValueCounts {
  readonly source: Source;
}

/**
 * Which source may say what, best first. Gauges come from the freshest snapshot. Prompt tokens and retractions come from the
 * log: it counts the same as the counters do, and also what an engine did between the last look at its counters and its
 * death. Generated tokens the log can only estimate. Latencies are known to the engine alone.
 */
export const precedence = {
  runningRequests: ['loads', 'metrics', 'log'],
  queuedRequests: ['loads', 'metrics', 'log'],
  kvCacheUsage: ['loads', 'metrics', 'log'],
  prefillTokens: ['log', 'metrics', 'metrics-finished', 'request-log'],
  cachedTokens: ['log', 'metrics', 'metrics-finished', 'request-log'],
  generationTokens: ['metrics', 'metrics-finished', 'request-log', 'log'],
  timeToFirstToken: ['metrics-finished', 'request-log'],
  interTokenLatency: ['metrics-finished', 'request-log'],
  endToEndLatency: ['metrics-finished', 'request-log'],
  retractions: ['log', 'metrics'],
} as const satisfies Readonly<Record<string, readonly Source[]>>;

/** What a window may measure; units and meanings are those of the metrics in docs/metrics.md. */
export type Measure = keyof typeof precedence;
export const measures = Object.keys(precedence) as Measure[];

/** What one source knows of a window. A measure that it cannot tell is absent, which is not the same as 0. */
export type SourceReadings = Readonly<Partial<Record<Measure, ValueCounts>>>;
/** One measurement for each measure that any source knows. */
export type Measurements = Readonly<Partial<Record<Measure, Measurement>>>;

/** For each measure the reading of the best source that has one. */
export function chooseMeasurements(readings: Readonly<Partial<Record<Source, SourceReadings>>>): Measurements {
  const chosen: Partial<Record<Measure, Measurement>> = {};
  for (const measure of measures) {
    const source = precedence[measure].find((candidate) => readings[candidate]?.[measure] !== undefined);
    if (source !== undefined) chosen[measure] = { ...readings[source]![measure]!, source };
  }
  return chosen;
}
