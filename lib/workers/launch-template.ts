import {
  BlockDeviceVolume,
  type CfnLaunchTemplate,
  EbsDeviceVolumeType,
  type IMachineImage,
  InstanceType,
  type ISecurityGroup,
  LaunchTemplate,
  LaunchTemplateHttpTokens,
  type UserData,
} from 'aws-cdk-lib/aws-ec2';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { WorkerGroupConfig } from '../config/schema.ts';

export interface WorkerLaunchTemplateProps {
  readonly config: Pick<WorkerGroupConfig, 'instanceTypes' | 'volumeGiB' | 'volumeMiBps' | 'purchase'>;
  readonly machineImage: IMachineImage;
  readonly role: IRole;
  readonly securityGroup: ISecurityGroup;
  readonly userData: UserData;
}

/**
 * What every worker of a group is launched from: metadata by session token only, an encrypted volume as fast as loading
 * weights wants it, no key pair, no public address.
 */
export class WorkerLaunchTemplate extends Construct {
  readonly launchTemplate: LaunchTemplate;

  constructor(scope: Construct, id: string, props: WorkerLaunchTemplateProps) {
    super(scope, id);
    const { config } = props;
    this.launchTemplate = new LaunchTemplate(this, 'LaunchTemplate', {
      instanceType: new InstanceType(config.instanceTypes[0]!),
      machineImage: props.machineImage,
      role: props.role,
      securityGroup: props.securityGroup,
      userData: props.userData,
      httpTokens: LaunchTemplateHttpTokens.REQUIRED,
      // A container, such as one with an engine in it, is one hop further away.
      httpPutResponseHopLimit: 2,
      // Tells the daemons the name of their group, without a call that the role would have to allow.
      instanceMetadataTags: true,
      detailedMonitoring: true,
      ebsOptimized: true,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: BlockDeviceVolume.ebs(config.volumeGiB, {
            encrypted: true,
            volumeType: EbsDeviceVolumeType.GP3,
            throughput: config.volumeMiBps,
            // EC2 allows a quarter of a MiB/s for each operation a second.
            iops: Math.max(3_000, 4 * config.volumeMiBps),
          }),
        },
      ],
    });
    this.#buyInBlock(config.purchase.capacityBlock?.reservationId);
  }

  /** Capacity blocks are a market of their own, which the construct of the CDK does not know. */
  #buyInBlock(reservationId: string | undefined): void {
    if (reservationId === undefined) return;
    const template = this.launchTemplate.node.defaultChild as CfnLaunchTemplate;
    template.addPropertyOverride('LaunchTemplateData.InstanceMarketOptions', { MarketType: 'capacity-block' });
    template.addPropertyOverride('LaunchTemplateData.CapacityReservationSpecification', {
      CapacityReservationTarget: { CapacityReservationId: reservationId },
    });
  }
}
