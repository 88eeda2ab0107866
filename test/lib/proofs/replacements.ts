import type { AssemblyStack } from '../../support/assembly/read-assembly.ts';

/**
 * Properties whose change makes CloudFormation replace a resource that keeps something, by type: those with "Update
 * requires: Replacement", "or some interruptions" not among them, in the CloudFormation template reference of 2026.
 */
export const replacingProperties: Readonly<Record<string, readonly string[]>> = {
  'AWS::EC2::VPC': ['CidrBlock', 'Ipv4IpamPoolId', 'Ipv4NetmaskLength', 'InstanceTenancy'],
  'AWS::EC2::Subnet': ['VpcId', 'CidrBlock', 'AvailabilityZone', 'AvailabilityZoneId', 'Ipv6Native', 'OutpostArn'],
  'AWS::EC2::SecurityGroup': ['GroupName', 'GroupDescription', 'VpcId'],
  'AWS::EC2::NatGateway': ['SubnetId', 'AllocationId', 'ConnectivityType'],
  'AWS::EC2::EIP': ['Domain', 'NetworkBorderGroup', 'Address', 'IpamPoolId'],
  'AWS::EC2::Volume': ['AvailabilityZone', 'Encrypted', 'KmsKeyId', 'SnapshotId', 'OutpostArn'],
  'AWS::RDS::DBCluster': [
    'AvailabilityZones',
    'CharacterSetName',
    'ClusterScalabilityType',
    'DatabaseName',
    'DBClusterIdentifier',
    'DBSubnetGroupName',
    'DBSystemId',
    'EngineMode',
    'KmsKeyId',
    'MasterUsername',
    'PubliclyAccessible',
    'RestoreToTime',
    'RestoreType',
    'SnapshotIdentifier',
    'SourceDBClusterIdentifier',
    'SourceRegion',
    'StorageEncrypted',
    'UseLatestRestorableTime',
  ],
  'AWS::RDS::DBInstance': [
    'DBClusterIdentifier',
    'DBInstanceIdentifier',
    'DBSubnetGroupName',
    'Engine',
    'SourceRegion',
  ],
  'AWS::RDS::DBSubnetGroup': ['DBSubnetGroupName'],
  'AWS::SecretsManager::Secret': ['Name'],
  'AWS::Logs::LogGroup': ['LogGroupName', 'LogGroupClass'],
  'AWS::S3::Bucket': ['BucketName', 'BucketNamePrefix', 'ObjectLockEnabled'],
  'AWS::SNS::Topic': ['TopicName', 'FifoTopic'],
  'AWS::AutoScaling::AutoScalingGroup': ['AutoScalingGroupName', 'InstanceId'],
  'AWS::ElasticLoadBalancingV2::LoadBalancer': ['Name', 'Scheme', 'Type'],
};

/** Stacks by name; of each resource that keeps something what must stay: its type and the properties that would replace it. */
export type Baseline = Readonly<Record<string, Readonly<Record<string, BaselineResource>>>>;

interface BaselineResource {
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly deletionPolicy: string;
}

export function baselineOf(stacks: readonly AssemblyStack[]): Baseline {
  return Object.fromEntries(
    stacks.map(({ name, resources }) => {
      const kept = Object.entries(resources)
        .filter(([, { Type }]) => Type in replacingProperties)
        .map(([id, { Type, Properties = {}, DeletionPolicy = 'Delete' }]) => {
          const names = replacingProperties[Type]!.filter((property) => property in Properties);
          const properties = Object.fromEntries(names.map((property) => [property, Properties[property]]));
          return [id, { type: Type, properties, deletionPolicy: DeletionPolicy }] as const;
        });
      return [name, Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)))];
    }),
  );
}

/** What a deployment over `before` would lose or replace, in words; new resources are nobody's loss. */
export function lossesBetween(before: Baseline, after: Baseline): string[] {
  return Object.entries(before).flatMap(([stack, resources]) =>
    Object.entries(resources).flatMap(([id, resource]) => {
      const next = after[stack]?.[id];
      const what = `${stack}/${id} (${resource.type})`;
      if (next === undefined || next.type !== resource.type) return [`${what} is removed`];
      const names = new Set([...Object.keys(resource.properties), ...Object.keys(next.properties)]);
      const changed = [...names].filter((name) => !isSame(resource.properties[name], next.properties[name]));
      const weaker = resource.deletionPolicy !== 'Delete' && next.deletionPolicy === 'Delete';
      return [
        ...changed.map((name) => `${what} is replaced: ${name} changes`),
        ...(weaker ? [`${what} is no longer kept when its stack goes`] : []),
      ];
    }),
  );
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
