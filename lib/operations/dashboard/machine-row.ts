import { type IWidget, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { cpuMetric, fleetMetric } from '../fleet-metrics.ts';
import { graph } from './graph.ts';

const percent = { min: 0, max: 100, showUnits: false };

/** The machines apart from their GPUs. @param groupNames Auto Scaling groups */
export function machineRow(groupNames: readonly string[]): IWidget[] {
  const lines = (name: 'mem_used_percent' | 'disk_used_percent') =>
    groupNames.map((groupName) => fleetMetric(groupName, name, Stats.MAXIMUM, { label: groupName }));
  return [
    graph(
      'CPU, mean %',
      groupNames.map((groupName) => cpuMetric(groupName, { label: groupName })),
      { leftYAxis: percent },
    ),
    graph('Memory of the fullest machine, %', lines('mem_used_percent'), { leftYAxis: percent }),
    graph('Root disk of the fullest machine, %', lines('disk_used_percent'), { leftYAxis: percent }),
  ];
}
