import { metricLimits } from './limits.ts';
import type { Metric, MetricReport, MetricUnit } from './metric-report.ts';

/** One metric at one time as CloudWatch stores it: what the same metric says in the same slot belongs together. */
export interface MetricPoint {
  readonly name: string;
  readonly unit: MetricUnit;
  readonly dimensions: Readonly<Record<string, string>>;
  /** 1 for metrics that drive scaling. */
  readonly resolutionSeconds: 1 | 60;
  /** Start of the second or minute, ms since the epoch. */
  readonly slotMs: number;
  /** Values with how often each was seen. */
  readonly counts: ReadonlyMap<number, number>;
}

/** A metric that CloudWatch would refuse. */
export interface RefusedMetric {
  readonly name: string;
  readonly reason: string;
}

/** What makes two points the same metric, in and beyond one slot. */
export function metricKey({
  name,
  unit,
  dimensions,
  resolutionSeconds,
}: Omit<MetricPoint, 'slotMs' | 'counts'>): string {
  return JSON.stringify([name, unit, resolutionSeconds, dimensionsKey(dimensions)]);
}

/** Equal for equal sets of dimensions, whatever their order. */
export function dimensionsKey(dimensions: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The points of a report, and the metrics that no call could carry: one bad metric must not cost the others.
 * @param nowMs ms since the epoch
 */
export function pointsOf(report: MetricReport, nowMs: number): { points: MetricPoint[]; refused: RefusedMetric[] } {
  const points: MetricPoint[] = [];
  const refused: RefusedMetric[] = [];
  const reportMistake = mistakeInReport(report, nowMs);
  for (const metric of report.metrics) {
    const reason = reportMistake ?? mistakeInMetric(metric, report);
    if (reason === undefined) points.push(pointOf(metric, report));
    else refused.push({ name: String(metric.name), reason });
  }
  return { points, refused };
}

function pointOf(metric: Metric, { atMs, dimensions }: MetricReport): MetricPoint {
  const resolutionSeconds = metric.drivesScaling ? 1 : 60;
  const slotLengthMs = resolutionSeconds * 1_000;
  const counts = new Map<number, number>();
  metric.values.forEach((value, index) => {
    const count = metric.counts?.[index] ?? 1;
    if (count > 0) counts.set(value, (counts.get(value) ?? 0) + count);
  });
  const slotMs = Math.floor(atMs / slotLengthMs) * slotLengthMs;
  return { name: metric.name, unit: metric.unit, dimensions, resolutionSeconds, slotMs, counts };
}

function mistakeInReport({ atMs, dimensions }: MetricReport, nowMs: number): string | undefined {
  if (!Number.isFinite(atMs)) return `its time ${atMs} is not a number`;
  if (atMs > nowMs + metricLimits.aheadMs) return 'its time is more than two hours ahead';
  const entries = Object.entries(dimensions);
  if (entries.length > metricLimits.dimensions) return `it has ${entries.length} dimensions, 30 are allowed`;
  for (const [name, value] of entries) {
    if (!isText(name, metricLimits.nameCharacters) || name.startsWith(':')) return `dimension name "${name}"`;
    if (!isText(value, metricLimits.dimensionValueCharacters)) return `dimension ${name} has the value "${value}"`;
  }
  return undefined;
}

function mistakeInMetric({ name, values, counts }: Metric, { dimensions }: MetricReport): string | undefined {
  if (!isText(name, metricLimits.nameCharacters) || name.startsWith(':')) return 'its name';
  if (Object.hasOwn(dimensions, name) || name === '_aws')
    return 'its name is taken by a dimension or by the log format';
  if (counts !== undefined && counts.length !== values.length) {
    return `it has ${values.length} values and ${counts.length} counts`;
  }
  const badValue = values.find((value) => !(Math.abs(value) <= metricLimits.magnitude));
  if (badValue !== undefined) return `its value ${badValue}`;
  const badCount = counts?.find((count) => !(count >= 0 && count <= metricLimits.magnitude));
  if (badCount !== undefined) return `its count ${badCount}`;
  if (values.length === 0 || counts?.every((count) => count === 0)) return 'it has no value';
  return undefined;
}

/** Printable ASCII with something in it, as CloudWatch wants names and dimension values. */
function isText(text: unknown, maxCharacters: number): text is string {
  return typeof text === 'string' && text.length <= maxCharacters && /^[\x20-\x7e]+$/.test(text) && text.trim() !== '';
}
