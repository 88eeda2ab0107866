import { Duration } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, LogQueryWidget, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { metricNamespace } from './names.ts';

export interface FleetDashboardProps {
  readonly dashboardName: string;
  /** Auto Scaling groups. */
  readonly routerGroupName: string;
  readonly workerGroupNames: readonly string[];
  readonly logGroupNames: readonly string[];
}

/** One page: how many machines there are, how busy they are, and what the daemons complain about. */
export class FleetDashboard extends Construct {
  constructor(scope: Construct, id: string, props: FleetDashboardProps) {
    super(scope, id);
    const workers = props.workerGroupNames;
    const groups = [props.routerGroupName, ...workers];
    new Dashboard(this, 'Dashboard', {
      dashboardName: props.dashboardName,
      defaultInterval: Duration.hours(3),
      widgets: [
        [
          graph('Machines in service', groups.map(capacity('GroupInServiceInstances'))),
          graph('Machines wanted', groups.map(capacity('GroupDesiredCapacity'))),
          graph('CPU, %', groups.map(cpu)),
        ],
        [
          graph('GPU busy, %', workers.map(measured('nvidia_smi_utilization_gpu'))),
          graph('Memory used, %', groups.map(measured('mem_used_percent'))),
          graph('Disk used, %', groups.map(measured('disk_used_percent'))),
        ],
        [
          new LogQueryWidget({
            title: 'Warnings and errors of the daemons',
            logGroupNames: [...props.logGroupNames],
            queryLines: [
              'fields @timestamp, service, level, msg, detail',
              'filter level in ["warn", "error"]',
              'sort @timestamp desc',
              'limit 50',
            ],
            width: 24,
            height: 8,
          }),
        ],
      ],
    });
  }
}

function graph(title: string, left: Metric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8, height: 6 });
}

const metricOf = (namespace: string, metricName: string, statistic: string) => {
  return (groupName: string): Metric =>
    new Metric({
      namespace,
      metricName,
      statistic,
      label: groupName,
      period: Duration.minutes(1),
      dimensionsMap: { AutoScalingGroupName: groupName },
    });
};
const capacity = (metricName: string) => metricOf('AWS/AutoScaling', metricName, Stats.AVERAGE);
const cpu = metricOf('AWS/EC2', 'CPUUtilization', Stats.AVERAGE);
const measured = (metricName: string) => metricOf(metricNamespace, metricName, Stats.AVERAGE);
