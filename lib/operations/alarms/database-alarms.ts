import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { RouterConfig } from '../../config/schema.ts';
import { databaseMetric, maxConnections } from '../database-metrics.ts';
import type { AlarmPlan } from './alarm-plan.ts';

/** Share of what the database takes from which it is near its limit. */
const nearLimit = 0.8;
/** Transcripts are text: so many bytes mean that old sessions are not deleted. */
const largeStoreBytes = 100 * 1_024 ** 3;

/** What may go wrong with the store of several routers so that somebody has to look. */
export function databaseAlarms(
  fleet: string,
  clusterIdentifier: string,
  config: Pick<RouterConfig['store'], 'minCapacity' | 'maxCapacity'>,
): AlarmPlan[] {
  const most = maxConnections(config);
  const plan = (name: string, rest: Omit<AlarmPlan, 'id' | 'name' | 'silence'>): AlarmPlan => {
    // RDS measures as long as there is a database; a gap is its own.
    return { id: name, name: `${fleet}-${name}`, silence: 'says-nothing', ...rest };
  };
  return [
    plan('database-busy', {
      says: `The database has used more than ${100 * nearLimit} % of ${config.maxCapacity} capacity units for a quarter of an hour.`,
      runbook: 'databaseBusy',
      metric: databaseMetric(clusterIdentifier, 'ACUUtilization', Stats.MAXIMUM),
      above: 100 * nearLimit,
      periods: 15,
    }),
    plan('database-cpu', {
      says: `The database has used more than ${100 * nearLimit} % of its CPU for a quarter of an hour.`,
      runbook: 'databaseBusy',
      metric: databaseMetric(clusterIdentifier, 'CPUUtilization', Stats.MAXIMUM),
      above: 100 * nearLimit,
      periods: 15,
    }),
    plan('database-connections', {
      says: `The database has more than ${100 * nearLimit} % of the ${most} connections that it takes.`,
      runbook: 'databaseConnections',
      metric: databaseMetric(clusterIdentifier, 'DatabaseConnections', Stats.MAXIMUM),
      above: Math.floor(nearLimit * most),
      periods: 5,
    }),
    plan('database-storage', {
      says: 'The database holds more than 100 GiB.',
      runbook: 'databaseStorage',
      metric: databaseMetric(clusterIdentifier, 'VolumeBytesUsed', Stats.MAXIMUM),
      above: largeStoreBytes,
      periods: 1,
    }),
  ];
}
