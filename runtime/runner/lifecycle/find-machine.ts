import { linkLocalEndpoint, metadataEndpoint } from '../../shared/imds.ts';
import type { Logger } from '../../shared/log.ts';
import type { RunnerOptions } from '../options.ts';
import type { Machine } from './machine.ts';

/**
 * The machine whose life the runner follows; undefined when there is none to follow. Elsewhere than on EC2 the metadata
 * service is not looked for, which would take a second of every start, unless the environment names one.
 */
export async function findMachine(options: RunnerOptions, log: Logger): Promise<Machine | undefined> {
  const { kind, groupName, region } = options.machine;
  if (kind === 'none') return undefined;
  const endpoint = metadataEndpoint();
  if (kind === 'auto' && (endpoint === undefined || endpoint === linkLocalEndpoint)) {
    const { isEc2Hardware } = await import('./instance-id.ts');
    if (!(await isEc2Hardware())) return undefined;
  }
  const { openMachine } = await import('./ec2-machine.ts');
  const { instanceId, timeScale } = options;
  const machine = await openMachine({ instanceId, groupName, region, timeScale, log });
  if (machine === undefined && kind === 'ec2') log.error('no EC2 instance: nothing tells of its life cycle');
  return machine;
}
