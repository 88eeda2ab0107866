import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../../shared/errors.ts';
import type { InstanceMetadata } from '../../shared/imds.ts';
import type { Logger } from '../../shared/log.ts';

export interface InstanceIdOptions {
  readonly metadata: Pick<InstanceMetadata, 'read' | 'recheck'>;
  /** As the command line says; it is then not asked for, but the metadata service must be there all the same. */
  readonly given: string | undefined;
  /** How long the service may be silent before it counts as absent, in ms. 0 looks once. */
  readonly silenceMs: number;
  readonly log: Logger;
}

const lookAgainMs = 500;

/** The EC2 instance that this process runs on; undefined when there is no metadata service. Never rejects. */
export async function findInstanceId({
  metadata,
  given,
  silenceMs,
  log,
}: InstanceIdOptions): Promise<string | undefined> {
  const end = performance.now() + silenceMs;
  for (;;) {
    let failure: unknown;
    try {
      const id = (await metadata.read('instance-id'))?.text.trim();
      if (id !== undefined && /^[\w-]{1,64}$/.test(id)) return given ?? id;
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= end) {
      if (failure !== undefined) {
        // Something answers there, if badly; an id that is given then is the machine's.
        log.error('instance metadata unreadable', { reason: describeError(failure) });
        return given;
      }
      if (silenceMs > 0) {
        log.error('instance metadata silent on EC2: the life cycle of the instance is not followed', {
          hint: 'Switch the metadata service on; for a process in a container set http-put-response-hop-limit to 2.',
        });
      }
      return undefined;
    }
    await delay(lookAgainMs);
    metadata.recheck();
  }
}

/** Where Linux says that it runs on EC2: the maker of a Nitro or bare-metal machine, and the hypervisor's id on Xen. */
const hardwareFiles: readonly (readonly [file: string, mark: RegExp])[] = [
  ['/sys/devices/virtual/dmi/id/sys_vendor', /^Amazon EC2/],
  ['/sys/hypervisor/uuid', /^ec2/i],
];

/** Told without the network. */
export async function isEc2Hardware(files = hardwareFiles): Promise<boolean> {
  for (const [file, mark] of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (mark.test(text)) return true;
  }
  return false;
}
