import { type IWidget, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { startupMetric, startupPhases } from '../fleet-metrics.ts';
import type { DashboardGroup } from './dashboard-group.ts';
import { fromZero, graph } from './graph.ts';

/** How long engines take to start and with what: the time that a group needs to grow. */
export function startupRow(groups: readonly DashboardGroup[]): IWidget[] {
  return groups.map(({ name, groupName }) =>
    graph(
      `Engine start of ${name} by phase, s`,
      startupPhases.map((phase) => startupMetric(groupName, phase, Stats.AVERAGE)),
      { leftYAxis: fromZero },
    ),
  );
}
