import { CfnOutput, Stack } from 'aws-cdk-lib';
import { type IVpc, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  CfnComponent,
  CfnDistributionConfiguration,
  CfnImagePipeline,
  CfnImageRecipe,
  CfnInfrastructureConfiguration,
} from 'aws-cdk-lib/aws-imagebuilder';
import { Construct } from 'constructs';
import type { WorkerGroupConfig } from '../config/schema.ts';
import { FleetLogGroup } from '../fleet-log-group.ts';
import { privateSubnets } from '../network.ts';
import { BuilderRole } from './builder-role.ts';
import type { BuiltImage } from './built-image.ts';
import { ImageRetention } from './image-retention.ts';

export interface ImagePipelineProps {
  readonly config: WorkerGroupConfig;
  readonly image: BuiltImage;
  readonly vpc: IVpc;
  readonly logRetentionDays: number;
  /** Of the image, so that its cost is the fleet's. */
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Builds the image that a worker group boots: SGLang at its pinned version and, where the config says so, the weights. It
 * runs when somebody starts it, which takes the better part of an hour, and leaves the AMI's id in an SSM parameter whose
 * name follows from the content: workers of another content never boot this image.
 */
export class ImagePipeline extends Construct {
  constructor(scope: Construct, id: string, props: ImagePipelineProps) {
    super(scope, id);
    const { config, image, vpc } = props;
    const { name } = image;
    const { parent, instanceType } = config.image.build!;
    const role = new BuilderRole(this, 'Builder', { config, imageName: name });
    const { logGroup } = new FleetLogGroup(this, 'Logs', {
      logGroupName: `/aws/imagebuilder/${name}`,
      retentionDays: props.logRetentionDays,
    });
    const component = new CfnComponent(this, 'Component', {
      name,
      platform: 'Linux',
      version: image.componentVersion,
      description: 'SGLang and what it needs',
      data: image.document,
    });
    const recipe = new CfnImageRecipe(this, 'Recipe', {
      name,
      version: image.recipeVersion,
      parentImage: parent.id ?? `ssm:${parent.ssmParameter}`,
      components: [{ componentArn: component.attrArn }],
      blockDeviceMappings: [
        {
          deviceName: '/dev/xvda',
          ebs: { volumeSize: config.volumeGiB, volumeType: 'gp3', encrypted: true, deleteOnTermination: true },
        },
      ],
      amiTags: props.tags,
    });
    new ImageRetention(this, 'Retention', name);
    const infrastructure = new CfnInfrastructureConfiguration(this, 'Infrastructure', {
      name,
      instanceProfileName: role.instanceProfile.instanceProfileName,
      instanceTypes: [instanceType],
      instanceMetadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1 },
      subnetId: vpc.selectSubnets(privateSubnets).subnetIds[0]!,
      securityGroupIds: [this.#securityGroup(vpc).securityGroupId],
      terminateInstanceOnFailure: true,
      resourceTags: props.tags,
    });
    infrastructure.node.addDependency(role.policy);
    const distribution = new CfnDistributionConfiguration(this, 'Distribution', {
      name,
      distributions: [
        {
          region: Stack.of(this).region,
          // Written as CloudFormation has it: the CDK does not know this structure.
          amiDistributionConfiguration: { Name: `${name} {{ imagebuilder:buildDate }}`, AmiTags: props.tags },
          ssmParameterConfigurations: [{ parameterName: image.parameterName, dataType: 'aws:ec2:image' }],
        },
      ],
    });
    const pipeline = new CfnImagePipeline(this, 'Pipeline', {
      name,
      imageRecipeArn: recipe.attrArn,
      infrastructureConfigurationArn: infrastructure.attrArn,
      distributionConfigurationArn: distribution.attrArn,
      // It would take more rights on the machine than building does.
      enhancedImageMetadataEnabled: false,
      imageTestsConfiguration: { imageTestsEnabled: true, timeoutMinutes: 60 },
      loggingConfiguration: { imageLogGroupName: logGroup.logGroupName },
    });
    const output = (outputId: string, value: string, description: string) =>
      new CfnOutput(Stack.of(this), outputId, { value, description });
    output('PipelineArn', pipeline.attrArn, 'aws imagebuilder start-image-pipeline-execution --image-pipeline-arn ...');
    output('ImageParameter', image.parameterName, 'SSM parameter with the AMI id, once the pipeline has run');
  }

  #securityGroup(vpc: IVpc): SecurityGroup {
    return new SecurityGroup(this, 'SecurityGroup', { vpc, description: 'Builds images; nobody may connect to it' });
  }
}
