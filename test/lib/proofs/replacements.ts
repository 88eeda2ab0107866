import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { AssemblyStack } from '../../support/assembly/read-assembly.ts';

/** Types of resources that keep something, with what AWS's data leaves open and what we would not want to see changed. */
const furtherProperties: Readonly<Record<string, readonly string[]>> = {
  // From default to dedicated it replaces.
  'AWS::EC2::VPC': ['InstanceTenancy'],
  'AWS::EC2::Subnet': [],
  'AWS::EC2::SecurityGroup': [],
  'AWS::EC2::NatGateway': [],
  'AWS::EC2::EIP': [],
  // "Updates are not supported": the deployment fails.
  'AWS::EC2::Volume': ['AvailabilityZone', 'Encrypted', 'KmsKeyId', 'OutpostArn', 'SnapshotId'],
  // Replaced by another engine, and by another user unless it is one that RDS manages.
  'AWS::RDS::DBCluster': ['Engine', 'MasterUsername'],
  'AWS::RDS::DBInstance': ['Engine'],
  'AWS::RDS::DBSubnetGroup': [],
  'AWS::SecretsManager::Secret': [],
  // "Updates are not supported": the deployment fails.
  'AWS::Logs::LogGroup': ['LogGroupClass'],
  'AWS::S3::Bucket': [],
  'AWS::SNS::Topic': [],
  'AWS::AutoScaling::AutoScalingGroup': [],
  'AWS::ElasticLoadBalancingV2::LoadBalancer': [],
};

/**
 * Properties whose change makes CloudFormation replace a resource that keeps something, by type. From AWS's service
 * specification in the version that `cdk diff` has, by which it says "requires replacement".
 */
export const replacingProperties: Readonly<Record<string, readonly string[]>> = readReplacingProperties();

function readReplacingProperties(): Record<string, readonly string[]> {
  const file = path.join(path.dirname(createRequire(import.meta.url).resolve('aws-cdk/package.json')), 'db.json.gz');
  const { schema } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Specification;
  const types = new Map(schema.resource.entities.map((entity) => [entity.cloudFormationType, entity.properties]));
  return Object.fromEntries(
    Object.entries(furtherProperties).map(([type, further]) => {
      const properties = types.get(type) ?? {};
      const unknown = further.filter((name) => !(name in properties));
      if (unknown.length > 0) throw new Error(`${type} has no ${unknown.join(', ')} in ${file}`);
      const replacing = Object.keys(properties).filter((name) => properties[name]!.causesReplacement === 'yes');
      return [type, [...new Set([...replacing, ...further])].sort()];
    }),
  );
}

interface Specification {
  readonly schema: {
    readonly resource: {
      readonly entities: readonly {
        readonly cloudFormationType: string;
        readonly properties: Readonly<Record<string, { readonly causesReplacement?: 'yes' | 'maybe' | 'no' }>>;
      }[];
    };
  };
}

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
