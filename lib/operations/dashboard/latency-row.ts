import type { IWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { type FleetMetricName, fleetMetric } from '../fleet-metrics.ts';
import { type DashboardGroup, labelOf, perGroup } from './dashboard-group.ts';
import { fromZero, graph, line } from './graph.ts';

/** What clients feel. @param alarmSeconds first-token time whose p95 raises an alarm */
export function latencyRow(groups: readonly DashboardGroup[], alarmSeconds: number): IWidget[] {
  const percentiles = (metric: FleetMetricName, ...wanted: string[]) =>
    wanted.flatMap((statistic) =>
      perGroup(groups, (group) =>
        fleetMetric(group.groupName, metric, statistic, { label: labelOf(groups, group, statistic) }),
      ),
    );
  return [
    graph('First token at the client, s', percentiles('ClientTimeToFirstToken', 'p50', 'p95', 'p99'), {
      leftYAxis: fromZero,
      leftAnnotations: [line(alarmSeconds, 'alarm at p95')],
      width: 6,
    }),
    graph('First token in the engine, s', percentiles('TimeToFirstToken', 'p50', 'p95'), {
      leftYAxis: fromZero,
      width: 6,
    }),
    graph('Between two tokens, s', percentiles('InterTokenLatency', 'p50', 'p95', 'p99'), {
      leftYAxis: fromZero,
      width: 6,
    }),
    graph('Whole request in the engine, s', percentiles('EndToEndLatency', 'p50', 'p95'), {
      leftYAxis: fromZero,
      width: 6,
    }),
  ];
}
