import { type IWidget, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { type FleetMetricName, fleetMetric, formula, reportSeconds } from '../fleet-metrics.ts';
import { type DashboardGroup, labelOf, perGroup } from './dashboard-group.ts';
import { fromZero, graph } from './graph.ts';

/** What clients want: requests and tokens a second, and requests in the engines. */
export function demandRow(groups: readonly DashboardGroup[]): IWidget[] {
  const perSecond = (metric: FleetMetricName, statistic: string, id: string, what: string) =>
    perGroup(groups, (group, index) =>
      formula(
        `${id}${index} / PERIOD(${id}${index})`,
        { [`${id}${index}`]: fleetMetric(group.groupName, metric, statistic) },
        { label: labelOf(groups, group, what) },
      ),
    );
  // Each worker says its level once in ten seconds, so that the sum counts it several times in a period.
  const level = (metric: FleetMetricName, id: string, what: string) =>
    perGroup(groups, (group, index) =>
      formula(
        `${id}${index} * ${reportSeconds} / PERIOD(${id}${index})`,
        { [`${id}${index}`]: fleetMetric(group.groupName, metric, Stats.SUM) },
        { label: labelOf(groups, group, what) },
      ),
    );
  return [
    // Every request that reached a worker has one queue time, mostly 0.
    graph('Requests/s', perSecond('QueueTime', Stats.SAMPLE_COUNT, 'requests', 'requests'), { leftYAxis: fromZero }),
    graph(
      'Tokens/s',
      [
        ...perSecond('GenerationTokens', Stats.SUM, 'generated', 'generated'),
        ...perSecond('PrefillTokens', Stats.SUM, 'prefill', 'prompt, computed'),
        ...perSecond('CachedTokens', Stats.SUM, 'cached', 'prompt, cached'),
      ],
      { leftYAxis: fromZero },
    ),
    graph(
      'Requests in the engines',
      [...level('RunningRequests', 'running', 'running'), ...level('QueuedRequests', 'queued', 'waiting')],
      { leftYAxis: fromZero },
    ),
  ];
}
