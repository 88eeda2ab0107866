import type { Metric, MetricReport, MetricUnit } from '../shared/cloudwatch/metric-report.ts';
import type { StartupPart, StartupSeconds } from './engine-life.ts';
import type { PublishedWindow } from './published-window.ts';
import {
  type Measure,
  type Measurement,
  type Measurements,
  measures,
  type ValueCounts,
} from './sources/measurement.ts';
import { round } from './spread.ts';

/** Whose metrics these are. */
export interface WorkerIdentity {
  /** Auto Scaling group: the only dimension, since each value of a dimension is a metric that is paid for. */
  readonly groupName: string;
  readonly instanceId: string | null;
}

const metricOf: Readonly<Record<Measure, { readonly name: string; readonly unit: MetricUnit }>> = {
  runningRequests: { name: 'RunningRequests', unit: 'Count' },
  queuedRequests: { name: 'QueuedRequests', unit: 'Count' },
  kvCacheUsage: { name: 'KVCacheUsage', unit: 'None' },
  prefillTokens: { name: 'PrefillTokens', unit: 'Count' },
  cachedTokens: { name: 'CachedTokens', unit: 'Count' },
  generationTokens: { name: 'GenerationTokens', unit: 'Count' },
  timeToFirstToken: { name: 'TimeToFirstToken', unit: 'Seconds' },
  interTokenLatency: { name: 'InterTokenLatency', unit: 'Seconds' },
  endToEndLatency: { name: 'EndToEndLatency', unit: 'Seconds' },
  retractions: { name: 'Retractions', unit: 'Count' },
};

/** What a window tells CloudWatch: one report of the group, and one for each part of a start that was completed in it. */
export function windowReports(window: PublishedWindow, identity: WorkerIdentity): MetricReport[] {
  const atMs = Date.parse(window.to);
  const dimensions = { AutoScalingGroupName: identity.groupName };
  const properties = propertiesOf(window, identity);
  const metrics = metricsOf(window);
  const startups = startupMetrics(window.startups).map(([phase, metric]) => ({
    atMs,
    dimensions: { ...dimensions, Phase: phase },
    metrics: [metric],
    properties,
  }));
  return metrics.length === 0 ? startups : [{ atMs, dimensions, metrics, properties }, ...startups];
}

/**
 * Utilization only while in service: a machine that warms up would pull the group's average down and be scaled in.
 * Retractions and restarts only when there were any, since a metric is paid by the hours in which it has data.
 */
function metricsOf({ isInService, utilization, measurements, engineRestarts }: PublishedWindow): Metric[] {
  const metrics: Metric[] = [];
  if (isInService && utilization !== null) {
    metrics.push({ name: 'Utilization', unit: 'None', values: [utilization], drivesScaling: true });
  }
  for (const measure of measures) {
    const measurement = measurements[measure];
    const isUneventful = measure === 'retractions' && measurement?.values[0] === 0;
    if (measurement === undefined || measurement.values.length === 0 || isUneventful) continue;
    metrics.push({ ...metricOf[measure], ...valuesOf(measurement) });
  }
  const hitRate = cacheHitRate(measurements);
  if (hitRate !== undefined) metrics.push({ name: 'CacheHitRate', unit: 'None', ...hitRate });
  if (engineRestarts > 0) metrics.push({ name: 'EngineRestarts', unit: 'Count', values: [engineRestarts] });
  return metrics;
}

/** Counted once for each prompt token, so that averages over windows and workers are shares of all prompt tokens. */
export function cacheHitRate({ prefillTokens, cachedTokens }: Measurements): ValueCounts | undefined {
  if (prefillTokens === undefined || prefillTokens.source !== cachedTokens?.source) return undefined;
  const cached = cachedTokens.values[0] ?? 0;
  const promptTokens = cached + (prefillTokens.values[0] ?? 0);
  return promptTokens === 0 ? undefined : { values: [round(cached / promptTokens)], counts: [promptTokens] };
}

function startupMetrics(startups: readonly StartupSeconds[]): [StartupPart, Metric][] {
  const tallies = new Map<StartupPart, Map<number, number>>();
  for (const startup of startups) {
    for (const [part, seconds] of Object.entries(startup) as [StartupPart, number][]) {
      const tally = tallies.get(part) ?? new Map<number, number>();
      tallies.set(part, tally.set(seconds, (tally.get(seconds) ?? 0) + 1));
    }
  }
  return [...tallies].map(([part, tally]) => [
    part,
    { name: 'StartupSeconds', unit: 'Seconds', values: [...tally.keys()], counts: [...tally.values()] },
  ]);
}

function valuesOf({ values, counts }: Measurement): ValueCounts {
  return counts === undefined ? { values } : { values, counts };
}

function propertiesOf(window: PublishedWindow, { instanceId }: WorkerIdentity): MetricReport['properties'] {
  return {
    instanceId,
    model: window.model,
    sequence: window.sequence,
    isInService: window.isInService,
    capacityRequests: window.capacityRequests,
    sources: describeSources(window.measurements),
    ...(window.crashes.length > 0 && { crashes: window.crashes.join(' ') }),
  };
}

/** `loads: RunningRequests QueuedRequests; metrics: PrefillTokens` */
function describeSources(measurements: Measurements): string {
  const names = new Map<string, string[]>();
  for (const measure of measures) {
    const source = measurements[measure]?.source;
    if (source !== undefined) names.set(source, [...(names.get(source) ?? []), metricOf[measure].name]);
  }
  return [...names].map(([source, metrics]) => `${source}: ${metrics.join(' ')}`).join('; ');
}
