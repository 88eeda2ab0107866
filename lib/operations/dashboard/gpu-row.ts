import { type IWidget, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { type FleetMetricName, fleetMetric, formula } from '../fleet-metrics.ts';
import { type DashboardGroup, labelOf, perGroup } from './dashboard-group.ts';
import { fromZero, graph } from './graph.ts';

const percent = { min: 0, max: 100, showUnits: false };

/** The GPUs as nvidia-smi sees them. */
export function gpuRow(groups: readonly DashboardGroup[]): IWidget[] {
  const lines = (metric: FleetMetricName, what: string, statistic: string) =>
    perGroup(groups, (group) =>
      fleetMetric(group.groupName, metric, statistic, { label: labelOf(groups, group, what) }),
    );
  const memory = perGroup(groups, (group, index) =>
    formula(
      `100 * used${index} / total${index}`,
      {
        [`used${index}`]: fleetMetric(group.groupName, 'nvidia_smi_memory_used', Stats.SUM),
        [`total${index}`]: fleetMetric(group.groupName, 'nvidia_smi_memory_total', Stats.SUM),
      },
      { label: labelOf(groups, group, 'memory') },
    ),
  );
  return [
    graph('GPU busy, %', lines('nvidia_smi_utilization_gpu', 'busy', Stats.AVERAGE), { leftYAxis: percent }),
    graph('GPU memory used, %', memory, { leftYAxis: percent }),
    graph('Hottest GPU, °C', lines('nvidia_smi_temperature_gpu', 'hottest', Stats.MAXIMUM), {
      leftYAxis: fromZero,
      right: lines('nvidia_smi_power_draw', 'mean W of a GPU', Stats.AVERAGE),
      rightYAxis: fromZero,
    }),
  ];
}
