import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { DaemonBundle } from './bundle.ts';
import { AgentConfigAsset } from './cloudwatch-agent.ts';
import type { RouterConfig } from './config/schema.ts';
import { FleetLogGroup } from './fleet-log-group.ts';
import { MachineGroup } from './machine-group.ts';
import { allow, inThisRegion, MachineRole } from './machine-role.ts';
import { ports } from './names.ts';
import { type DaemonUnit, metricsFile, stateFolder } from './systemd.ts';
import { machineUserData, nodeProgram, programFolder } from './user-data.ts';

export interface RouterGroupProps {
  readonly config: RouterConfig;
  readonly vpc: IVpc;
  readonly securityGroup: ISecurityGroup;
  readonly groupName: string;
  readonly logGroupName: string;
  readonly logRetentionDays: number;
  /** Auto Scaling group in which the router finds its workers. */
  readonly workerGroupName: string;
}

const unitName = 'fleet-router';
/** What the router needs after its drain, to close its store. */
const closeSeconds = 15;

/** The router: an Auto Scaling group of one, so that a lost machine is replaced. */
export class RouterGroup extends Construct {
  constructor(scope: Construct, id: string, props: RouterGroupProps) {
    super(scope, id);
    const files = {
      'router.mjs': new DaemonBundle(this, 'RouterBundle', 'router'),
      'agent.json': new AgentConfigAsset(this, 'AgentConfig', {
        logGroupName: props.logGroupName,
        units: [unitName],
        logFiles: { metrics: metricsFile },
      }),
    };
    const { logGroup } = new FleetLogGroup(this, 'Logs', {
      logGroupName: props.logGroupName,
      retentionDays: props.logRetentionDays,
    });
    const machineRole = new MachineRole(this, 'Machine', {
      files: Object.values(files),
      logGroup,
      // Discovery. Neither call can be limited to a group or to its instances.
      statements: [
        allow(['autoscaling:DescribeAutoScalingGroups', 'ec2:DescribeInstances'], ['*'], inThisRegion(this)),
      ],
    });
    new MachineGroup(this, 'Router', {
      groupName: props.groupName,
      vpc: props.vpc,
      securityGroup: props.securityGroup,
      machineRole,
      instanceType: props.config.instanceType,
      image: props.config.image,
      volumeGiB: props.config.volumeGiB,
      userData: machineUserData({
        files,
        agentConfig: 'agent.json',
        units: [routerUnit(props.config, props.workerGroupName, Stack.of(this).region)],
      }),
      minCapacity: 1,
      maxCapacity: 1,
      warmup: Duration.minutes(2),
      // Its store is on its disk and it has no load balancer: there must never be two.
      minHealthyPercentage: 0,
      maxHealthyPercentage: 100,
    });
    new CfnOutput(Stack.of(this), 'GroupName', {
      value: props.groupName,
      description: 'Auto Scaling group of the router',
    });
  }
}

/** How the router runs on its machine. */
export function routerUnit(config: RouterConfig, workerGroupName: string, region: string): DaemonUnit {
  const options = {
    '--host': '0.0.0.0',
    '--port': String(ports.router),
    '--asg': workerGroupName,
    '--policy': config.policy,
    '--drain-seconds': String(config.drainSeconds),
    '--data-dir': `${stateFolder}/router`,
  };
  return {
    name: unitName,
    description: 'SGLang fleet router',
    command: [nodeProgram, `${programFolder}/router.mjs`, ...Object.entries(options).flat()],
    environment: { AWS_REGION: region },
    stopSeconds: config.drainSeconds + closeSeconds,
  };
}
