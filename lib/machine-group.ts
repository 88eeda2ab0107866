import { type Duration, Stack, Tags } from 'aws-cdk-lib';
import {
  AutoScalingGroup,
  GroupMetrics,
  HealthChecks,
  InstanceRefreshStrategy,
  UpdatePolicy,
} from 'aws-cdk-lib/aws-autoscaling';
import {
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  InstanceType,
  type ISecurityGroup,
  type IVpc,
  LaunchTemplate,
  LaunchTemplateHttpTokens,
  SubnetType,
  type UserData,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { ImageConfig } from './config/schema.ts';
import { machineImage } from './image.ts';
import type { MachineRole } from './machine-role.ts';

export interface MachineGroupProps {
  readonly groupName: string;
  readonly vpc: IVpc;
  readonly securityGroup: ISecurityGroup;
  readonly machineRole: MachineRole;
  readonly instanceType: string;
  readonly image: ImageConfig;
  readonly userData: UserData;
  readonly volumeGiB: number;
  readonly minCapacity: number;
  readonly maxCapacity: number;
  /** From boot until a machine works. */
  readonly warmup: Duration;
  /** Share of the group that keeps working while machines are replaced, in percent. */
  readonly minHealthyPercentage: number;
  /** Above 100, replacements start before the machines that they replace end. */
  readonly maxHealthyPercentage: number;
}

/**
 * An Auto Scaling group of equal machines in private subnets: IMDSv2 only, encrypted disk, no key pair. A change of the
 * launch template, and so of any shipped file, replaces the machines by an instance refresh.
 */
export class MachineGroup extends Construct {
  constructor(scope: Construct, id: string, props: MachineGroupProps) {
    super(scope, id);
    Tags.of(this).add('Name', props.groupName);
    const launchTemplate = new LaunchTemplate(this, 'LaunchTemplate', {
      instanceType: new InstanceType(props.instanceType),
      machineImage: machineImage(props.image, Stack.of(this).region),
      role: props.machineRole.role,
      securityGroup: props.securityGroup,
      userData: props.userData,
      httpTokens: LaunchTemplateHttpTokens.REQUIRED,
      // A container, such as one with an engine in it, is one hop further away.
      httpPutResponseHopLimit: 2,
      detailedMonitoring: true,
      ebsOptimized: true,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: BlockDeviceVolume.ebs(props.volumeGiB, { encrypted: true, volumeType: EbsDeviceVolumeType.GP3 }),
        },
      ],
    });
    const group = new AutoScalingGroup(this, 'Group', {
      autoScalingGroupName: props.groupName,
      vpc: props.vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
      launchTemplate,
      // No desired capacity: each deployment would reset what scaling had reached.
      minCapacity: props.minCapacity,
      maxCapacity: props.maxCapacity,
      healthChecks: HealthChecks.ec2({ gracePeriod: props.warmup }),
      defaultInstanceWarmup: props.warmup,
      groupMetrics: [GroupMetrics.all()],
      updatePolicy: UpdatePolicy.instanceRefresh({
        strategy: InstanceRefreshStrategy.ROLLING,
        minHealthyPercentage: props.minHealthyPercentage,
        maxHealthyPercentage: props.maxHealthyPercentage,
      }),
    });
    // A machine fetches its daemons right at boot.
    group.node.addDependency(props.machineRole.policy);
  }
}
