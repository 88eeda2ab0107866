import { emfLimits } from './limits.ts';
import { dimensionsKey, type MetricPoint } from './metric-point.ts';
import type { MetricReport } from './metric-report.ts';
import { chunksOf, compressValues, type WeightedValue } from './value-buckets.ts';

type Properties = NonNullable<MetricReport['properties']>;

export interface EmfBatch {
  readonly namespace: string;
  /** Any; a line is made for each time and set of dimensions. */
  readonly points: readonly MetricPoint[];
  /** Properties by the key of the dimensions that they come with. */
  readonly properties: ReadonlyMap<string, Properties>;
}

/** A metric of a line: its definition and its values. */
interface Target {
  readonly definition: { readonly Name: string; readonly Unit: string; readonly StorageResolution?: 1 };
  readonly value: unknown;
  /** About what both take in the line, in bytes. */
  readonly bytes: number;
}

/**
 * The lines that make CloudWatch Logs publish `points` (embedded metric format): one JSON object for each time and set
 * of dimensions, more where a limit of the format asks for it. Without a newline.
 */
export function emfLines({ namespace, points, properties }: EmfBatch): string[] {
  const groups = Map.groupBy(points, ({ slotMs, dimensions }) => `${slotMs} ${dimensionsKey(dimensions)}`);
  return [...groups.values()].flatMap((group) => {
    const [{ slotMs, dimensions }] = group as [MetricPoint];
    const details = Object.entries(properties.get(dimensionsKey(dimensions)) ?? {});
    const head = [...details, ...Object.entries(dimensions)];
    const headBytes = Buffer.byteLength(JSON.stringify(head)) + namespace.length + 200;
    return linesOf(group.flatMap(targetsOf), emfLimits.lineBytes - headBytes).map((targets) => {
      const directive = {
        Namespace: namespace,
        Dimensions: [Object.keys(dimensions)],
        Metrics: targets.map(({ definition }) => definition),
      };
      const metrics = targets.map(({ definition, value }) => [definition.Name, value] as const);
      // Later members win: a property must not replace a dimension or a metric.
      return JSON.stringify(
        Object.fromEntries<unknown>([
          ...head,
          ...metrics,
          ['_aws', { Timestamp: slotMs, CloudWatchMetrics: [directive] }],
        ]),
      );
    });
  });
}

/** One target, or several where a metric has more values than one may hold. */
function targetsOf(point: MetricPoint): Target[] {
  const { valuesPerMetric } = emfLimits;
  const definition = {
    Name: point.name,
    Unit: point.unit,
    ...(point.resolutionSeconds === 1 && { StorageResolution: 1 as const }),
  };
  return chunksOf(compressValues(point.counts, valuesPerMetric), valuesPerMetric).map((weighted) => {
    const value = targetValue(weighted);
    return { definition, value, bytes: Buffer.byteLength(JSON.stringify([definition, value])) + point.name.length };
  });
}

/**
 * A number, or an array with each value as often as it was seen. Where that would be more members than the format
 * allows, the object of values and counts that AWS's own agent writes for histograms (awsemfexporter of the
 * OpenTelemetry collector, `cWMetricHistogram`); the specification of the format does not name it.
 */
function targetValue(weighted: readonly WeightedValue[]): unknown {
  const total = weighted.reduce((sum, { count }) => sum + count, 0);
  const hasWholeCounts = weighted.every(({ count }) => Number.isInteger(count));
  if (total === 1 && hasWholeCounts) return short(weighted[0]!.value);
  if (total <= emfLimits.valuesPerMetric && hasWholeCounts) {
    return weighted.flatMap(({ value, count }) => Array<number>(count).fill(short(value)));
  }
  const values = weighted.map(({ value }) => value);
  return {
    Values: values.map(short),
    Counts: weighted.map(({ count }) => short(count)),
    Max: short(Math.max(...values)),
    Min: short(Math.min(...values)),
    Count: short(total),
    Sum: short(weighted.reduce((sum, { value, count }) => sum + value * count, 0)),
  };
}

/** Counts stay exact; six digits of anything else are enough, and each character is paid for. */
function short(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(6));
}

/** Targets by line: a name once in a line, and no line beyond its limits. */
function linesOf(targets: readonly Target[], maxBytes: number): Target[][] {
  const lines: { targets: Target[]; names: Set<string>; bytes: number }[] = [];
  for (const target of targets) {
    const { Name } = target.definition;
    let line = lines.find(
      ({ targets, names, bytes }) =>
        targets.length < emfLimits.metricsPerLine && !names.has(Name) && bytes + target.bytes <= maxBytes,
    );
    if (line === undefined) {
      line = { targets: [], names: new Set(), bytes: 0 };
      lines.push(line);
    }
    line.targets.push(target);
    line.names.add(Name);
    line.bytes += target.bytes;
  }
  return lines.map((line) => line.targets);
}
