import { Stack } from 'aws-cdk-lib';
import { InstanceProfile, Policy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { WorkerGroupConfig } from '../config/schema.ts';
import { justifyWildcard } from '../justify-wildcard.ts';
import { allow, inThisRegion, sessionManagerActions } from '../machine-role.ts';
import { readFolder } from '../workers/worker-permissions.ts';

export interface BuilderRoleProps {
  readonly config: Pick<WorkerGroupConfig, 'image' | 'weights'>;
  /** Name of the image, which its component and its logs have too. */
  readonly imageName: string;
}

/**
 * What the machine may do that builds an image: be told what to do, read it, log, and fetch the weights. After AWS's
 * EC2InstanceProfileForImageBuilder and the part of AmazonSSMManagedInstanceCore that running commands needs.
 */
export class BuilderRole extends Construct {
  readonly instanceProfile: InstanceProfile;
  readonly policy: Policy;

  constructor(scope: Construct, id: string, { config, imageName }: BuilderRoleProps) {
    super(scope, id);
    const { build } = config.image;
    const { uri, tokenSecretArn } = config.weights;
    const arn = (service: string, resource: string) => Stack.of(this).formatArn({ service, resource });
    const components = arn('imagebuilder', `component/${imageName}/*`);
    const logs = `${arn('logs', 'log-group')}:/aws/imagebuilder/${imageName}:*`;
    const tools = `arn:${Stack.of(this).partition}:s3:::ec2imagebuilder*`;
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    this.policy = new Policy(this, 'Policy', {
      roles: [role],
      statements: [
        allow(['imagebuilder:GetComponent'], [components]),
        allow(['s3:GetObject'], [tools]),
        allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [logs]),
        allow(
          [
            'ec2messages:AcknowledgeMessage',
            'ec2messages:DeleteMessage',
            'ec2messages:FailMessage',
            'ec2messages:GetEndpoint',
            'ec2messages:GetMessages',
            'ec2messages:SendReply',
            ...sessionManagerActions,
          ],
          ['*'],
          inThisRegion(this),
        ),
        ...(build?.withWeights && uri !== undefined ? readFolder(this, uri) : []),
        ...(build?.withWeights && tokenSecretArn !== undefined
          ? [allow(['secretsmanager:GetSecretValue'], [tokenSecretArn])]
          : []),
      ],
    });
    justifyWildcard(this, components, 'Builds of the one component that the image has.');
    justifyWildcard(this, logs, 'Streams of the one log group of the image.');
    justifyWildcard(this, tools, 'Buckets of AWS with the program that carries out components.');
    justifyWildcard(this, '*', 'Calls of the Systems Manager agent, which take no resource.');
    this.instanceProfile = new InstanceProfile(this, 'Profile', { role });
  }
}
