import { Stack } from 'aws-cdk-lib';
import { Effect, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { FileAsset } from './file-asset.ts';
import { justifyWildcard } from './justify-wildcard.ts';
import { metricNamespace } from './names.ts';

export interface MachineRoleProps {
  /** Files that the machine fetches at boot: these objects and no others of the bucket. */
  readonly files: readonly FileAsset[];
  readonly logGroup: LogGroup;
  /** What this kind of machine does beyond booting, logging and measuring. @default - nothing */
  readonly statements?: readonly PolicyStatement[];
}

/** For shells and commands by way of Session Manager; none of them takes a resource. */
export const sessionManagerActions: readonly string[] = [
  'ssm:UpdateInstanceInformation',
  'ssmmessages:CreateControlChannel',
  'ssmmessages:CreateDataChannel',
  'ssmmessages:OpenControlChannel',
  'ssmmessages:OpenDataChannel',
];

/**
 * What a machine of the fleet may do. `Resource: *` appears only where AWS has no finer one, and then with a condition
 * where there is one. The policy is a resource of its own: groups wait for it, the role does not.
 */
export class MachineRole extends Construct {
  readonly role: Role;
  readonly policy: Policy;

  constructor(scope: Construct, id: string, props: MachineRoleProps) {
    super(scope, id);
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    this.policy = new Policy(this, 'Policy', {
      roles: [this.role],
      statements: [
        allow(
          ['s3:GetObject'],
          props.files.map(({ asset }) => asset.bucket.arnForObjects(asset.s3ObjectKey)),
        ),
        // With `:*`, the streams of the group.
        allow(['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams'], [props.logGroup.logGroupArn]),
        // Takes no resource, hence the condition.
        allow(['cloudwatch:PutMetricData'], ['*'], { 'cloudwatch:namespace': metricNamespace }),
        // The CloudWatch agent learns its group's name from the instance's tags.
        allow(['ec2:DescribeTags'], ['*'], inThisRegion(this)),
        // What Session Manager needs, and no more: no key pair, no port 22.
        allow([...sessionManagerActions], ['*'], inThisRegion(this)),
        ...(props.statements ?? []),
      ],
    });
  }
}

/** Allows `actions` on `resources` where every condition key has its value. */
export function allow(actions: string[], resources: string[], conditions?: Record<string, string>): PolicyStatement {
  return new PolicyStatement({
    effect: Effect.ALLOW,
    actions,
    resources,
    ...(conditions && { conditions: { StringEquals: conditions } }),
  });
}

/** For calls that take no resource: at least no other region. */
export function inThisRegion(scope: Construct): Record<string, string> {
  justifyWildcard(scope, '*', 'These calls take no resource; a condition keeps them to this region.');
  return { 'aws:RequestedRegion': Stack.of(scope).region };
}
