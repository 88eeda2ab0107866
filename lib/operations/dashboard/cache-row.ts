import { type IWidget, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { type FleetMetricName, fleetMetric } from '../fleet-metrics.ts';
import { type DashboardGroup, labelOf, perGroup } from './dashboard-group.ts';
import { fromZero, graph, shares } from './graph.ts';

/** How well requests meet the prefixes that workers have cached. */
export function cacheRow(groups: readonly DashboardGroup[]): IWidget[] {
  const lines = (metric: FleetMetricName, what: string, statistic: string = Stats.AVERAGE) =>
    perGroup(groups, (group) =>
      fleetMetric(group.groupName, metric, statistic, { label: labelOf(groups, group, what) }),
    );
  return [
    graph('Prompt tokens from the cache, share', lines('CacheHitRate', 'hit rate'), { leftYAxis: shares }),
    graph('Hit-rate regret, share of a prompt', lines('HitRateRegret', 'regret'), { leftYAxis: shares }),
    graph('Requests taken back for lack of KV cache', lines('Retractions', 'retracted', Stats.SUM), {
      leftYAxis: fromZero,
    }),
  ];
}
