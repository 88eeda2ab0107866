import type { MetricDatum, PutMetricDataInput } from '@aws-sdk/client-cloudwatch';
import { putLimits } from './limits.ts';
import type { MetricPoint } from './metric-point.ts';
import type { PointStore } from './point-store.ts';
import { chunksOf, compressValues } from './value-buckets.ts';

/** Bytes of a request around its metrics, generously. */
const envelopeBytes = 1_000;

/**
 * A point as CloudWatch takes it: values with counts, so that percentiles stay possible. More than 150 distinct values
 * are joined within 1 %, and what is still too many becomes several data of the same metric, which CloudWatch adds up.
 */
export function datumsOf(point: MetricPoint): MetricDatum[] {
  const { valuesPerMetric } = putLimits;
  return chunksOf(compressValues(point.counts, valuesPerMetric), valuesPerMetric).map((weighted) => ({
    MetricName: point.name,
    Dimensions: Object.entries(point.dimensions).map(([Name, Value]) => ({ Name, Value })),
    Timestamp: new Date(point.slotMs),
    Unit: point.unit,
    StorageResolution: point.resolutionSeconds,
    Values: weighted.map(({ value }) => value),
    Counts: weighted.map(({ count }) => count),
  }));
}

export function putRequest(namespace: string, points: readonly MetricPoint[]): PutMetricDataInput {
  return { Namespace: namespace, MetricData: points.flatMap(datumsOf) };
}

/** Takes as many points out of `store` as one call may carry, newest first; at least one unless the store is empty. */
export function takeRequest(store: PointStore): MetricPoint[] {
  let metrics = 0;
  let bytes = envelopeBytes;
  return store.take((point) => {
    const datums = datumsOf(point);
    metrics += datums.length;
    bytes += bytesOf(datums);
    if (metrics === datums.length) return true;
    return metrics <= putLimits.metricsPerCall && bytes <= putLimits.bodyBytes;
  });
}

/** At least what they take on the wire. */
export function bytesOf(datums: readonly MetricDatum[]): number {
  return Buffer.byteLength(JSON.stringify(datums));
}
