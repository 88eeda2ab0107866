import { CfnOutput, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { FleetConfig } from '../config/schema.ts';
import type { FleetNames } from '../names.ts';
import { AlarmTopic } from './alarm-topic.ts';
import { FleetAlarms } from './alarms/fleet-alarms.ts';
import { FleetDashboard } from './dashboard/fleet-dashboard.ts';
import { FleetBudget } from './fleet-budget.ts';
import { OperatorDocuments } from './operator-documents.ts';
import { FleetQueries } from './queries.ts';

export interface FleetOperationsProps {
  readonly config: FleetConfig;
  readonly names: FleetNames;
  /** systemd unit of the runner. */
  readonly runnerUnit: string;
  /** Of the Aurora cluster; undefined with the embedded store. */
  readonly databaseCluster: string | undefined;
}

/** What people look at and are woken by: dashboard, alarms, saved queries, documents for machines, budget. */
export class FleetOperations extends Construct {
  constructor(scope: Construct, id: string, props: FleetOperationsProps) {
    super(scope, id);
    const { config, names, databaseCluster } = props;
    const { topic } = new AlarmTopic(this, 'AlarmTopic', { topicName: `${config.name}-alarms`, config: config.alarms });
    new FleetAlarms(this, 'Alarms', { config, names, topic, databaseCluster });
    new FleetDashboard(this, 'Dashboard', { config, names, databaseCluster });
    new FleetQueries(this, 'Queries', {
      fleet: config.name,
      routerLogGroup: names.routerLogs,
      workerLogGroups: config.workers.map((group) => names.workerLogs(group.name)),
      firstTokenSeconds: config.alarms.firstTokenSeconds,
    });
    new OperatorDocuments(this, 'Documents', {
      fleet: config.name,
      internalSecret: names.internalSecret,
      runnerUnit: props.runnerUnit,
      drainSeconds: Math.max(...config.workers.map((group) => group.drainSeconds)),
    });
    if (config.budget !== undefined) new FleetBudget(this, 'Budget', { fleet: config.name, config: config.budget });
    new CfnOutput(Stack.of(this), 'AlarmTopicArn', { value: topic.topicArn, description: 'Where all alarms go' });
  }
}
