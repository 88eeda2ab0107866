import { type IWidget, LogQueryWidget, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { type FleetMetricName, fleetMetric } from '../fleet-metrics.ts';
import { queries } from '../queries.ts';
import { type DashboardGroup, labelOf, perGroup } from './dashboard-group.ts';
import { fromZero, graph } from './graph.ts';

/** What went wrong, and what daemons say about it. @param logGroupNames of all machines */
export function errorRows(groups: readonly DashboardGroup[], logGroupNames: readonly string[]): IWidget[][] {
  const sums = (metric: FleetMetricName, what: string) =>
    perGroup(groups, (group) =>
      fleetMetric(group.groupName, metric, Stats.SUM, { label: labelOf(groups, group, what) }),
    );
  const log = (title: string, queryLines: readonly string[], width: number) =>
    new LogQueryWidget({ title, logGroupNames: [...logGroupNames], queryLines: [...queryLines], width, height: 8 });
  return [
    [
      graph('Requests refused for want of capacity', sums('RejectedRequests', 'refused'), { leftYAxis: fromZero }),
      graph('Engines that started anew', sums('EngineRestarts', 'restarts'), { leftYAxis: fromZero }),
      graph('Starts from zero', sums('GroupRaises', 'raises'), { leftYAxis: fromZero }),
    ],
    [
      log('Warnings and errors of the daemons', queries.warningsAndErrors, 12),
      log('Spot notices, rebalance recommendations, scale-in', queries.instanceNotices, 12),
    ],
  ];
}
