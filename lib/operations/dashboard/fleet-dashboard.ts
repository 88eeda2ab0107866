import { Duration } from 'aws-cdk-lib';
import { Dashboard, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { FleetConfig, WorkerGroupConfig } from '../../config/schema.ts';
import { hourlyPriceUsd } from '../../data/prices.ts';
import type { FleetNames } from '../../names.ts';
import { maxConnections } from '../database-metrics.ts';
import { cacheRow } from './cache-row.ts';
import { capacityRow } from './capacity-row.ts';
import { costRow } from './cost-row.ts';
import type { DashboardGroup } from './dashboard-group.ts';
import { databaseRow } from './database-row.ts';
import { demandRow } from './demand-row.ts';
import { errorRows } from './error-row.ts';
import { gpuRow } from './gpu-row.ts';
import { latencyRow } from './latency-row.ts';
import { machineRow } from './machine-row.ts';
import { modelRow } from './model-row.ts';
import { saturationRow } from './saturation-row.ts';
import { startupRow } from './startup-row.ts';

export interface FleetDashboardProps {
  readonly config: Pick<FleetConfig, 'name' | 'alarms' | 'routers' | 'workers'>;
  readonly names: FleetNames;
  /** Of the Aurora cluster; undefined with the embedded store. */
  readonly databaseCluster: string | undefined;
}

/** One page, in the order in which an operator asks: is it asked for, is it fast, is it full, is there enough, is it broken, what is it, what does it cost. */
export class FleetDashboard extends Construct {
  constructor(scope: Construct, id: string, props: FleetDashboardProps) {
    super(scope, id);
    const { names, databaseCluster } = props;
    const { name, alarms, routers, workers } = props.config;
    const groups = workers.map((group) => dashboardGroup(group, names));
    const groupNames = groups.map(({ groupName }) => groupName);
    new Dashboard(this, 'Dashboard', {
      dashboardName: names.dashboard,
      defaultInterval: Duration.hours(3),
      widgets: [
        [
          new TextWidget({
            markdown: `# SGLang fleet ${name}\nRunbook and meaning of every metric: docs/operations.md. Saved queries: folder ${name} in Logs Insights.`,
            width: 24,
            height: 2,
          }),
        ],
        demandRow(groups),
        latencyRow(groups, alarms.firstTokenSeconds),
        saturationRow(groups),
        cacheRow(groups),
        capacityRow(groups, names.routerGroup),
        ...errorRows(groups, [names.routerLogs, ...workers.map((group) => names.workerLogs(group.name))]),
        startupRow(groups),
        gpuRow(groups),
        machineRow([names.routerGroup, ...groupNames]),
        ...(databaseCluster === undefined ? [] : [databaseRow(databaseCluster, maxConnections(routers.store))]),
        modelRow(workers),
        costRow({
          groups,
          routerGroupName: names.routerGroup,
          routerHourlyUsd: hourlyPriceUsd(routers.instanceType),
        }),
      ],
    });
  }
}

function dashboardGroup(group: WorkerGroupConfig, names: FleetNames): DashboardGroup {
  return {
    name: group.name,
    groupName: names.workerGroup(group.name),
    targetUtilization: group.scaling.targetUtilization,
    targetQueueSeconds: group.scaling.targetQueueSeconds,
    hasWarmPool: group.warmPool !== undefined,
    hourlyUsd: hourlyPriceUsd(group.instanceTypes[0]!),
  };
}
