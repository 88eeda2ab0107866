import { type Duration, Stack, Tags, Validations } from 'aws-cdk-lib';
import {
  AdditionalHealthCheckType,
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
  type UserData,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { ImageConfig } from './config/schema.ts';
import { machineImage } from './image.ts';
import type { MachineRole } from './machine-role.ts';
import { privateSubnets } from './network.ts';

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
  /** The one zone in which all machines are. @default - all zones of the network */
  readonly availabilityZone?: string;
  /** Also replace a machine that its load balancer finds ill, this long after its start at the earliest. @default - no */
  readonly loadBalancerGrace?: Duration;
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
  readonly group: AutoScalingGroup;

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
    const { availabilityZone: zone, loadBalancerGrace } = props;
    this.group = new AutoScalingGroup(this, 'Group', {
      autoScalingGroupName: props.groupName,
      vpc: props.vpc,
      vpcSubnets: zone === undefined ? privateSubnets : { ...privateSubnets, availabilityZones: [zone] },
      launchTemplate,
      // No desired capacity: each deployment would reset what scaling had reached.
      minCapacity: props.minCapacity,
      maxCapacity: props.maxCapacity,
      healthChecks: loadBalancerGrace
        ? HealthChecks.withAdditionalChecks({
            additionalTypes: [AdditionalHealthCheckType.ELB],
            gracePeriod: loadBalancerGrace,
          })
        : HealthChecks.ec2({ gracePeriod: props.warmup }),
      defaultInstanceWarmup: props.warmup,
      groupMetrics: [GroupMetrics.all()],
      updatePolicy: UpdatePolicy.instanceRefresh({
        strategy: InstanceRefreshStrategy.ROLLING,
        minHealthyPercentage: props.minHealthyPercentage,
        maxHealthyPercentage: props.maxHealthyPercentage,
      }),
    });
    Validations.of(this.group).acknowledge({
      id: 'AwsSolutions-AS3',
      reason: 'Alarms and the dashboard tell of capacity; nobody would read a message for each machine.',
    });
    // A machine fetches its daemons right at boot.
    this.group.node.addDependency(props.machineRole.policy);
  }
}
