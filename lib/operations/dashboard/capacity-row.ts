import { type IWidget, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { capacityMetric, fleetMetric } from '../fleet-metrics.ts';
import type { DashboardGroup } from './dashboard-group.ts';
import { fromZero, graph } from './graph.ts';

/** How many machines there are and on their way, beside the requests that wait for the first one. */
export function capacityRow(groups: readonly DashboardGroup[], routerGroupName: string): IWidget[] {
  return [
    ...groups.map(({ name, groupName, hasWarmPool }) =>
      graph(
        `Workers ${name}`,
        [
          capacityMetric(groupName, 'GroupDesiredCapacity', { label: 'desired' }),
          capacityMetric(groupName, 'GroupInServiceInstances', { label: 'in service' }),
          capacityMetric(groupName, 'GroupPendingInstances', { label: 'warming' }),
          capacityMetric(groupName, 'GroupTerminatingInstances', { label: 'leaving' }),
          ...(hasWarmPool ? [capacityMetric(groupName, 'WarmPoolWarmedCapacity', { label: 'warm pool' })] : []),
        ],
        {
          leftYAxis: fromZero,
          right: [fleetMetric(groupName, 'HeldRequests', Stats.MAXIMUM, { label: 'held requests' })],
          rightYAxis: fromZero,
        },
      ),
    ),
    graph(
      'Routers',
      [
        capacityMetric(routerGroupName, 'GroupDesiredCapacity', { label: 'desired' }),
        capacityMetric(routerGroupName, 'GroupInServiceInstances', { label: 'in service' }),
      ],
      { leftYAxis: fromZero },
    ),
  ];
}
