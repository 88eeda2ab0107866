import { type IWidget, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { type FleetMetricName, fleetMetric } from '../fleet-metrics.ts';
import { type DashboardGroup, labelOf, perGroup } from './dashboard-group.ts';
import { fromZero, graph, line, shares } from './graph.ts';

/** How full the fleet is, beside what its scaling aims at. */
export function saturationRow(groups: readonly DashboardGroup[]): IWidget[] {
  const lines = (metric: FleetMetricName, statistics: Readonly<Record<string, string>>) =>
    Object.entries(statistics).flatMap(([label, statistic]) =>
      perGroup(groups, (group) =>
        fleetMetric(group.groupName, metric, statistic, { label: labelOf(groups, group, label) }),
      ),
    );
  const targets = (target: (group: DashboardGroup) => number) =>
    perGroup(groups, (group) => line(target(group), labelOf(groups, group, 'target')));
  return [
    // May exceed 1: requests that wait in an engine count.
    graph('Utilisation, share of capacity', lines('Utilization', { mean: Stats.AVERAGE, fullest: Stats.MAXIMUM }), {
      leftYAxis: fromZero,
      leftAnnotations: targets(({ targetUtilization }) => targetUtilization),
    }),
    graph('Wait for a worker, s', lines('QueueTime', { p50: 'p50', p90: 'p90', p99: 'p99' }), {
      leftYAxis: fromZero,
      leftAnnotations: targets(({ targetQueueSeconds }) => targetQueueSeconds),
    }),
    graph('KV cache in use, share', lines('KVCacheUsage', { mean: Stats.AVERAGE, fullest: Stats.MAXIMUM }), {
      leftYAxis: shares,
    }),
  ];
}
