import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { FleetConfig } from '../../config/schema.ts';
import type { FleetNames } from '../../names.ts';
import { type AlarmPlan, comparison, missingData } from './alarm-plan.ts';
import { databaseAlarms } from './database-alarms.ts';
import { LaunchFailureRule } from './launch-failures.ts';
import { routerAlarms } from './router-alarms.ts';
import { runbookAddress } from './runbook.ts';
import { workerAlarms } from './worker-alarms.ts';

export interface FleetAlarmsProps {
  readonly config: Pick<FleetConfig, 'name' | 'alarms' | 'routers' | 'workers'>;
  readonly names: FleetNames;
  /** Where all of them go. */
  readonly topic: ITopic;
  /** Of the Aurora cluster; undefined with the embedded store. */
  readonly databaseCluster: string | undefined;
}

/** Everything that wakes somebody. Each says what is wrong and where the runbook is. */
export class FleetAlarms extends Construct {
  constructor(scope: Construct, id: string, props: FleetAlarmsProps) {
    super(scope, id);
    const { config, names, topic } = props;
    const action = new SnsAction(topic);
    for (const plan of plansOf(props)) {
      const alarm = new Alarm(this, plan.id, {
        alarmName: plan.name,
        alarmDescription: describe(plan),
        metric: plan.metric,
        threshold: plan.above,
        comparisonOperator: comparison,
        evaluationPeriods: plan.periods,
        treatMissingData: missingData[plan.silence],
      });
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
    }
    new LaunchFailureRule(this, 'LaunchFailures', {
      ruleName: `${config.name}-launch-failures`,
      groupNames: [names.routerGroup, ...config.workers.map((group) => names.workerGroup(group.name))],
      topic,
    });
  }
}

function plansOf({ config, names, databaseCluster }: FleetAlarmsProps): AlarmPlan[] {
  const { alarms, routers, workers } = config;
  return [
    ...workers.flatMap((group) => workerAlarms({ alarms, group, groupName: names.workerGroup(group.name) })),
    ...routerAlarms({
      config: routers,
      groupName: names.routerGroup,
      workerGroupName: names.workerGroup(workers[0]!.name),
    }),
    ...(databaseCluster === undefined ? [] : databaseAlarms(config.name, databaseCluster, routers.store)),
  ];
}

function describe({ says, runbook }: AlarmPlan): string {
  return `${says} What to do: ${runbookAddress(runbook)}`;
}
