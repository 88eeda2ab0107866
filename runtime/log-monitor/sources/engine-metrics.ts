import { parsePrometheusText, type Sample } from './prometheus-text.ts';

/** Totals since the engine's start; one that the engine does not print is absent. */
export type CounterName =
  | 'prefillTokens'
  | 'cachedTokens'
  | 'decodeTokens'
  | 'retractions'
  | 'finishedPromptTokens'
  | 'finishedCachedTokens'
  | 'finishedGenerationTokens'
  /** Tells nothing about requests, but falls whenever the engine is a new process. */
  | 'cpuSeconds';
export type HistogramName = 'timeToFirstToken' | 'interTokenLatency' | 'endToEndLatency';

/** Observations since the engine's start. */
export interface HistogramTotals {
  /** Finite upper bounds in seconds, ascending. */
  readonly bounds: readonly number[];
  /** Observations in each bucket (not cumulative), and at last those above every bound. */
  readonly counts: readonly number[];
  /** Of all observations, in seconds. */
  readonly sum: number;
}

/** Plain data, so that it can be saved. */
export interface EngineTotals {
  readonly counters: Readonly<Partial<Record<CounterName, number>>>;
  readonly histograms: Readonly<Partial<Record<HistogramName, HistogramTotals>>>;
}

/** What one look at `/metrics` says. Gauges are null when absent. */
export interface EngineMetrics {
  readonly totals: EngineTotals;
  readonly runningRequests: number | null;
  readonly queuedRequests: number | null;
  /** Of the fullest pool, mean over data-parallel ranks, 0 to 1. */
  readonly kvCacheUsage: number | null;
  readonly modelName: string | null;
}

/**
 * Families by name. Names that SGLang changed stand side by side: inter-token latency was `time_per_output_token` until
 * 0.4.6. `realtime_tokens_total` counts as batches run (0.5.7 and later), the `finished` ones when a request ends.
 */
const counterFamilies: Readonly<Record<string, (labels: Sample['labels']) => CounterName | undefined>> = {
  'sglang:realtime_tokens_total': ({ mode }) =>
    mode === 'prefill_compute'
      ? 'prefillTokens'
      : mode === 'prefill_cache'
        ? 'cachedTokens'
        : mode === 'decode'
          ? 'decodeTokens'
          : undefined,
  'sglang:num_retracted_requests_total': () => 'retractions',
  'sglang:prompt_tokens_total': () => 'finishedPromptTokens',
  // `total` is the sum of the other sources.
  'sglang:cached_tokens_total': ({ cache_source }) => (cache_source === 'total' ? undefined : 'finishedCachedTokens'),
  'sglang:generation_tokens_total': () => 'finishedGenerationTokens',
  'sglang:process_cpu_seconds_total': () => 'cpuSeconds',
};
const histogramFamilies: Readonly<Record<string, HistogramName>> = {
  'sglang:time_to_first_token_seconds': 'timeToFirstToken',
  'sglang:inter_token_latency_seconds': 'interTokenLatency',
  'sglang:time_per_output_token_seconds': 'interTokenLatency',
  'sglang:e2e_request_latency_seconds': 'endToEndLatency',
};
const gaugeFamilies = {
  'sglang:num_running_reqs': 'running',
  'sglang:num_queue_reqs': 'queued',
  // Models with several pools stop admitting when any of them is full.
  'sglang:token_usage': 'usage',
  'sglang:full_token_usage': 'usage',
  'sglang:swa_token_usage': 'usage',
  'sglang:mamba_usage': 'usage',
} as const;

const wantedNames = new Set([
  ...Object.keys(counterFamilies),
  ...Object.keys(histogramFamilies).flatMap((name) => [`${name}_bucket`, `${name}_sum`]),
  ...Object.keys(gaugeFamilies),
]);
/** More than SGLang's own 23; more than CloudWatch takes in one call would be of no use. */
const maxBounds = 149;

/**
 * Reads `/metrics` of any SGLang since 0.3.5. Undefined when it holds none of the families: garbage, or no SGLang.
 * Ranks other than the data-parallel one repeat the same batch (each pipeline stage does), so of them the largest value
 * counts; over everything else (data-parallel ranks, streaming or not, custom labels) values add up.
 */
export function readEngineMetrics(text: string): EngineMetrics | undefined {
  const samples = parsePrometheusText(text, (name) => wantedNames.has(name)).filter(({ value }) => value >= 0);
  if (samples.length === 0) return undefined;
  return {
    totals: { counters: readCounters(samples), histograms: readHistograms(samples) },
    runningRequests: sumOf(readGauge(samples, 'running')),
    queuedRequests: sumOf(readGauge(samples, 'queued')),
    kvCacheUsage: meanOf(readGauge(samples, 'usage')),
    modelName: samples.find(({ labels }) => labels['model_name'])?.labels['model_name'] ?? null,
  };
}

function readCounters(samples: readonly Sample[]): EngineTotals['counters'] {
  const largest = new Map<string, { name: CounterName; value: number }>();
  for (const { name: family, labels, value } of samples) {
    const name = counterFamilies[family]?.(labels);
    if (name === undefined || !Number.isFinite(value)) continue;
    const key = `${family} ${seriesKey(labels)}`;
    const known = largest.get(key);
    if (known === undefined || value > known.value) largest.set(key, { name, value });
  }
  const counters: Partial<Record<CounterName, number>> = {};
  for (const { name, value } of largest.values()) counters[name] = (counters[name] ?? 0) + value;
  return counters;
}

function readHistograms(samples: readonly Sample[]): EngineTotals['histograms'] {
  const histograms: Partial<Record<HistogramName, HistogramTotals>> = {};
  for (const [family, name] of Object.entries(histogramFamilies)) {
    const read = readHistogram(samples, family);
    if (read !== undefined) histograms[name] = read;
  }
  return histograms;
}

/** Undefined when it is not there or its buckets contradict each other. */
function readHistogram(samples: readonly Sample[], family: string): HistogramTotals | undefined {
  const atMost = new Map<number, number>();
  let sum = 0;
  for (const { name, labels, value } of samples) {
    if (!Number.isFinite(value)) continue;
    if (name === `${family}_sum`) sum += value;
    if (name !== `${family}_bucket`) continue;
    const bound = labels['le'] === '+Inf' ? Infinity : Number(labels['le'] || Number.NaN);
    if (!Number.isNaN(bound)) atMost.set(bound, (atMost.get(bound) ?? 0) + value);
  }
  const bounds = [...atMost.keys()].sort((a, b) => a - b);
  if (bounds.length < 2 || bounds.length > maxBounds + 1 || bounds.at(-1) !== Infinity) return undefined;
  const counts = bounds.map((bound, i) => atMost.get(bound)! - (i === 0 ? 0 : atMost.get(bounds[i - 1]!)!));
  return counts.some((count) => count < 0) ? undefined : { bounds: bounds.slice(0, -1), counts, sum };
}

/** One value for each data-parallel rank: the largest over its other ranks and, for usages, over its pools. */
function readGauge(samples: readonly Sample[], kind: 'running' | 'queued' | 'usage'): number[] {
  const largest = new Map<string, number>();
  for (const { name, labels, value } of samples) {
    if (gaugeFamilies[name as keyof typeof gaugeFamilies] !== kind || !Number.isFinite(value)) continue;
    const key = seriesKey(labels);
    largest.set(key, Math.max(largest.get(key) ?? 0, value));
  }
  return [...largest.values()];
}

/** Ranks that print copies of the same batch, and processes of which several may print the same. */
const copyLabels = new Set(['tp_rank', 'pp_rank', 'moe_ep_rank', 'ep_rank', 'attn_cp_rank', 'moe_dp_rank', 'pid']);

function seriesKey(labels: Sample['labels']): string {
  let key = '';
  for (const name in labels) if (!copyLabels.has(name)) key += `${name}=${labels[name]};`;
  return key;
}

function sumOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
}

function meanOf(values: readonly number[]): number | null {
  const sum = sumOf(values);
  return sum === null ? null : Math.min(1, sum / values.length);
}
