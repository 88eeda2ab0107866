import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';

export type DatabaseMetricName = 'ACUUtilization' | 'CPUUtilization' | 'DatabaseConnections' | 'VolumeBytesUsed';

/** A metric of the store's Aurora cluster. Its storage is counted less often than once in five minutes. */
export function databaseMetric(
  clusterIdentifier: string,
  metricName: DatabaseMetricName,
  statistic: string,
  label?: string,
): Metric {
  return new Metric({
    namespace: 'AWS/RDS',
    metricName,
    statistic,
    period: metricName === 'VolumeBytesUsed' ? Duration.hours(1) : Duration.minutes(1),
    dimensionsMap: { DBClusterIdentifier: clusterIdentifier },
    ...(label !== undefined && { label }),
  });
}

const bytesPerCapacityUnit = 2 * 1_024 ** 3;

/**
 * Connections that Aurora Serverless v2 takes: LEAST(memory / 9,531,392 bytes, 5000) at its largest size, and no more than
 * 2,000 where it may shrink to half a unit (Aurora user guide, "Maximum connections for Aurora Serverless v2").
 */
export function maxConnections({ minCapacity, maxCapacity }: { minCapacity: number; maxCapacity: number }): number {
  const byMemory = Math.floor((maxCapacity * bytesPerCapacityUnit) / 9_531_392);
  return Math.min(byMemory, minCapacity <= 0.5 ? 2_000 : 5_000);
}
