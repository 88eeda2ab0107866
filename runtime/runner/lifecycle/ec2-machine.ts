import { realClock } from '../../shared/clock.ts';
import { describeError } from '../../shared/errors.ts';
import { InstanceMetadata, linkLocalEndpoint, metadataEndpoint, regionOf } from '../../shared/imds.ts';
import type { Logger } from '../../shared/log.ts';
import { LazyAutoScaling } from './auto-scaling-client.ts';
import { AutoScalingMembership } from './auto-scaling-membership.ts';
import { safeReason } from './aws-failure.ts';
import { GroupName } from './group-name.ts';
import { findInstanceId, isEc2Hardware } from './instance-id.ts';
import type { Machine, MachineNotice, TargetState } from './machine.ts';
import { noticePaths, parseTargetState } from './notice-items.ts';
import { NoticePoll } from './notice-poll.ts';

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

/** On EC2's hardware, how long the metadata service may be silent before it counts as absent: a network comes up late. */
const silenceOnEc2Ms = 5_000;
/** For the group's name at the start, which is not worth a longer one: it is looked for again when it is needed. */
const groupNameLimitMs = 5_000;

/**
 * The EC2 instance that this process runs on; undefined off AWS, which is found out within about a second. Never rejects.
 * AWS credentials, and an endpoint other than that of the region, come from the environment or the instance role, as
 * with every AWS tool.
 */
export async function openMachine(options: OpenMachineOptions): Promise<Machine | undefined> {
  const { log } = options;
  const endpoint = options.endpoint ?? metadataEndpoint();
  const metadata = new InstanceMetadata({ endpoint });
  const isPatient = endpoint === linkLocalEndpoint && (await isEc2Hardware());
  const silenceMs = isPatient ? silenceOnEc2Ms : 0;
  const instanceId = await findInstanceId({ metadata, given: options.instanceId, silenceMs, log });
  if (instanceId === undefined) return undefined;
  const region = options.region ?? (await regionIfReadable(metadata));
  const autoScaling = new LazyAutoScaling({ region });
  const groupName = new GroupName({ groupName: options.groupName, instanceId, metadata, autoScaling });
  try {
    await groupName.find(AbortSignal.timeout(groupNameLimitMs));
  } catch (error) {
    log.warn('name of the Auto Scaling group not found yet', { reason: safeReason(error) });
  }
  log.info('EC2 instance', { instanceId, region, groupName: groupName.known });
  return new Ec2Machine({ ...options, instanceId, metadata, groupName, autoScaling });
}

/** Without it the SDK takes the region from the environment. */
async function regionIfReadable(metadata: InstanceMetadata): Promise<string | undefined> {
  try {
    return regionOf(await metadata.read('placement/region'));
  } catch {
    return undefined;
  }
}

interface Ec2MachineOptions {
  readonly instanceId: string;
  readonly metadata: InstanceMetadata;
  readonly groupName: GroupName;
  readonly autoScaling: LazyAutoScaling;
  readonly timeScale: number;
  readonly log: Logger;
}

class Ec2Machine implements Machine {
  readonly instanceId: string;
  readonly group: AutoScalingMembership;
  readonly #options: Ec2MachineOptions;
  readonly #poll: NoticePoll;
  readonly #listeners: ((notice: MachineNotice) => void)[] = [];

  constructor(options: Ec2MachineOptions) {
    const { metadata, timeScale, log } = options;
    this.#options = options;
    this.instanceId = options.instanceId;
    this.group = new AutoScalingMembership(options);
    this.#poll = new NoticePoll({
      ...{ metadata, log, clock: realClock(timeScale) },
      tell: (notice) => {
        for (const listener of this.#listeners) listener(notice);
      },
    });
  }

  get groupName(): string | undefined {
    return this.#options.groupName.known;
  }

  onNotice(listener: (notice: MachineNotice) => void): void {
    this.#listeners.push(listener);
  }

  async readTargetState(signal?: AbortSignal): Promise<TargetState | undefined> {
    const { metadata, log } = this.#options;
    try {
      const item = await metadata.read(noticePaths.targetState, signal);
      // What is no state the poll reports.
      return item && parseTargetState(item.text);
    } catch (error) {
      signal?.throwIfAborted();
      log.warn('target state unreadable', { reason: describeError(error) });
      return undefined;
    }
  }

  start(): void {
    this.#poll.start();
    if (this.groupName !== undefined) this.#options.autoScaling.prepare();
  }

  close(): void {
    this.#poll.close();
    this.#options.autoScaling.close();
  }
}
