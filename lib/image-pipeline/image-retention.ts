import { Validations } from 'aws-cdk-lib';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnLifecyclePolicy } from 'aws-cdk-lib/aws-imagebuilder';
import { Construct } from 'constructs';

/** The newest images stay, whether they are used or not: a deployment may go back to one. */
const keptImages = 5;
/** An older one stays as long as machines have been started from it within so many weeks. */
const keptWeeks = 26;

/** Deletes old images of a recipe with their snapshots, which are paid for by the GiB. */
export class ImageRetention extends Construct {
  constructor(scope: Construct, id: string, recipeName: string) {
    super(scope, id);
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('imagebuilder.amazonaws.com'),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('service-role/EC2ImageBuilderLifecycleExecutionPolicy')],
    });
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/EC2ImageBuilderLifecycleExecutionPolicy]',
      reason: 'AWS made it for this service alone, and lets it touch nothing but what Image Builder has made.',
    });
    new CfnLifecyclePolicy(this, 'Policy', {
      name: recipeName,
      description: `Keeps ${keptImages} images, and those in use`,
      executionRole: role.roleArn,
      resourceType: 'AMI_IMAGE',
      resourceSelection: { recipes: [{ name: recipeName, semanticVersion: 'x.x.x' }] },
      policyDetails: [
        {
          action: { type: 'DELETE', includeResources: { amis: true, snapshots: true } },
          filter: { type: 'COUNT', value: keptImages },
          exclusionRules: { amis: { lastLaunched: { unit: 'WEEKS', value: keptWeeks } } },
        },
      ],
    });
  }
}
