import { RemovalPolicy, Size, Stack, Tags, Validations } from 'aws-cdk-lib';
import { CfnLifecyclePolicy } from 'aws-cdk-lib/aws-dlm';
import { EbsDeviceVolumeType, Volume } from 'aws-cdk-lib/aws-ec2';
import { type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { justifyWildcard } from './justify-wildcard.ts';
import { allow, inThisRegion } from './machine-role.ts';

export interface StoreVolumeProps {
  /** Its tag tells the volume, and the copies that are made of it, from those of other fleets. */
  readonly fleetName: string;
  readonly availabilityZone: string;
  readonly sizeGiB: number;
  readonly backupDays: number;
  /** Keep it when the stack goes. */
  readonly isProtected: boolean;
}

const tagKey = 'fleet-store';

/**
 * The disk of the embedded store. It outlives the router that has it attached; the next router takes it over. It is in one
 * availability zone, and so is the router. Once a day a copy is made of it.
 */
export class StoreVolume extends Construct {
  readonly volumeId: string;
  readonly availabilityZone: string;

  constructor(scope: Construct, id: string, props: StoreVolumeProps) {
    super(scope, id);
    this.availabilityZone = props.availabilityZone;
    const volume = new Volume(this, 'Volume', {
      availabilityZone: props.availabilityZone,
      size: Size.gibibytes(props.sizeGiB),
      volumeType: EbsDeviceVolumeType.GP3,
      encrypted: true,
      removalPolicy: props.isProtected ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    Validations.of(volume).acknowledge({
      id: 'CloudFormation-Validate::W3010',
      reason: 'A volume is in a zone, and the config names the zones of the fleet.',
    });
    this.volumeId = volume.volumeId;
    Tags.of(volume).add('Name', `${props.fleetName}-store`);
    Tags.of(volume).add(tagKey, props.fleetName);
    const role = new Role(this, 'BackupRole', { assumedBy: new ServicePrincipal('dlm.amazonaws.com') });
    for (const statement of backupStatements(this, props.fleetName)) role.addToPolicy(statement);
    new CfnLifecyclePolicy(this, 'Backups', {
      description: `Daily copies of the store of ${props.fleetName}`,
      state: 'ENABLED',
      executionRoleArn: role.roleArn,
      policyDetails: {
        resourceTypes: ['VOLUME'],
        targetTags: [{ key: tagKey, value: props.fleetName }],
        schedules: [
          {
            name: 'daily',
            createRule: { interval: 24, intervalUnit: 'HOURS', times: ['03:00'] },
            retainRule: { interval: props.backupDays, intervalUnit: 'DAYS' },
            tagsToAdd: [{ key: tagKey, value: props.fleetName }],
          },
        ],
      },
    });
  }
}

/** What a machine of the group needs to take the volume over: this volume, and no instance but those of the group. */
export function allowToAttach(scope: Construct, volumeId: string, groupName: string): PolicyStatement[] {
  const ec2 = ec2Arn(scope);
  justifyWildcard(scope, ec2('instance/*'), 'Instances come and go; a condition names the group that they belong to.');
  return [
    allow(['ec2:AttachVolume'], [ec2(`volume/${volumeId}`)]),
    allow(['ec2:AttachVolume'], [ec2('instance/*')], { 'aws:ResourceTag/aws:autoscaling:groupName': groupName }),
  ];
}

/** Copies of this volume and no other, made and removed; nothing finer exists for what only describes. */
function backupStatements(scope: Construct, fleetName: string): PolicyStatement[] {
  const ec2 = ec2Arn(scope);
  const { partition, region } = Stack.of(scope);
  // Snapshots belong to no account in their ARNs.
  const snapshots = `arn:${partition}:ec2:${region}::snapshot/*`;
  justifyWildcard(
    scope,
    snapshots,
    'Nobody knows the id of a copy before it is made; it is deleted by the tag of the fleet.',
  );
  justifyWildcard(scope, ec2('volume/*'), 'A condition names the tag of the volume of this fleet.');
  const ofThisFleet = { [`aws:ResourceTag/${tagKey}`]: fleetName };
  return [
    allow(['ec2:DescribeInstances', 'ec2:DescribeVolumes', 'ec2:DescribeSnapshots'], ['*'], inThisRegion(scope)),
    allow(['ec2:CreateSnapshot'], [ec2('volume/*')], ofThisFleet),
    allow(['ec2:CreateSnapshot'], [snapshots]),
    allow(['ec2:CreateTags'], [snapshots]),
    allow(['ec2:DeleteSnapshot'], [snapshots], ofThisFleet),
  ];
}

function ec2Arn(scope: Construct): (resource: string) => string {
  const { partition, region, account } = Stack.of(scope);
  return (resource) => `arn:${partition}:ec2:${region}:${account}:${resource}`;
}
