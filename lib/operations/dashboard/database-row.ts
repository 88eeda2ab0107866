import { type IWidget, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { databaseMetric } from '../database-metrics.ts';
import { fromZero, graph, line } from './graph.ts';

/** The store of several routers. @param maxConnections that the database takes */
export function databaseRow(clusterIdentifier: string, maxConnections: number): IWidget[] {
  const metric = (name: Parameters<typeof databaseMetric>[1], label: string) =>
    databaseMetric(clusterIdentifier, name, Stats.MAXIMUM, label);
  return [
    graph('Database capacity in use, % of its maximum', [metric('ACUUtilization', 'capacity')], {
      leftYAxis: { min: 0, max: 100, showUnits: false },
    }),
    graph('Database connections', [metric('DatabaseConnections', 'connections')], {
      leftYAxis: fromZero,
      leftAnnotations: [line(maxConnections, 'most that it takes')],
    }),
    graph('Database storage, bytes', [metric('VolumeBytesUsed', 'used')], { leftYAxis: fromZero }),
  ];
}
