import { type IMachineImage, MachineImage, OperatingSystemType } from 'aws-cdk-lib/aws-ec2';
import type { ImageConfig } from './config/schema.ts';

/**
 * The machine image that the config names. An SSM parameter becomes a template parameter: CloudFormation reads it at
 * each deployment, so making the templates asks nobody, and `cdk diff` does not show that a newer image is out.
 */
export function machineImage({ id, ssmParameter }: ImageConfig, region: string): IMachineImage {
  return id === undefined
    ? MachineImage.fromSsmParameter(ssmParameter!, { os: OperatingSystemType.LINUX })
    : MachineImage.genericLinux({ [region]: id });
}
