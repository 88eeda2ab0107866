import type { Logger } from '../../shared/log.ts';
import type { Machine } from './machine.ts';

export interface OpenMachineOptions {
  /** @default - that of the instance metadata */
  readonly instanceId?: string | undefined;
  /** @default - that of the instance's tag, else of Auto Scaling itself */
  readonly groupName?: string | undefined;
  /** @default - that of the instance metadata */
  readonly region?: string | undefined;
  /** Of the instance metadata service. @default - AWS_EC2_METADATA_SERVICE_ENDPOINT, else `http://169.254.169.254` */
  readonly endpoint?: string | undefined;
  /** Divides the interval of the polls: simulation and tests only. */
  readonly timeScale: number;
  readonly log: Logger;
}

/**
 * The EC2 instance that this process runs on; undefined off AWS, which is found out within about a second.
 * AWS credentials, and an endpoint other than that of the region, come from the environment or the instance role, as with every AWS tool.
 */
export async function openMachine(_options: OpenMachineOptions): Promise<Machine | undefined> {
  throw new Error('not yet');
}
