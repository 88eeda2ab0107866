import { readRegion } from '../../shared/imds.ts';
import type { DiscoveryClients } from './discovery.ts';

export interface DiscoveryClientOptions {
  /** AWS region. @default - that of the instance, from its metadata */
  readonly region?: string | undefined;
}

/**
 * The AWS clients that discovery needs. They are imported here, when a group is configured: a router without one does
 * not load the AWS SDK. Endpoint and credentials come from the environment or the instance role, as with every AWS tool.
 * @throws when no region is given and there is no instance metadata
 */
export async function createDiscoveryClients(options: DiscoveryClientOptions = {}): Promise<DiscoveryClients> {
  const region = options.region ?? (await readRegion());
  if (region === undefined) {
    throw new Error('No AWS region: this machine has no instance metadata. Set AWS_REGION, for example to us-east-1.');
  }
  const [{ AutoScalingClient }, { EC2Client }] = await Promise.all([
    import('@aws-sdk/client-auto-scaling'),
    import('@aws-sdk/client-ec2'),
  ]);
  return { autoScaling: new AutoScalingClient({ region }), ec2: new EC2Client({ region }) };
}
