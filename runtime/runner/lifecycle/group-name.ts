import type { InstanceMetadata } from '../../shared/imds.ts';
import type { LazyAutoScaling } from './auto-scaling-client.ts';
import { noticePaths } from './notice-items.ts';

export interface GroupNameOptions {
  /** Given, and so not looked for. */
  readonly groupName: string | undefined;
  readonly instanceId: string;
  readonly metadata: Pick<InstanceMetadata, 'read'>;
  readonly autoScaling: LazyAutoScaling;
}

/** In the instance metadata when the launch template says `InstanceMetadataTags: enabled`. */
const tagPath = 'tags/instance/aws:autoscaling:groupName';

/** The name of the Auto Scaling group that owns the instance, looked for until it is known. */
export class GroupName {
  readonly #options: GroupNameOptions;
  #known: string | undefined;

  constructor(options: GroupNameOptions) {
    this.#options = options;
    this.#known = options.groupName;
  }

  /** What is known of it so far. */
  get known(): string | undefined {
    return this.#known;
  }

  /**
   * From the instance's tag, else from Auto Scaling, which is asked only when the metadata has a target state: an
   * instance that stands alone has none, and its role need not allow the call.
   * @returns undefined for an instance that stands alone
   * @throws when the metadata or Auto Scaling fails
   */
  async find(signal: AbortSignal): Promise<string | undefined> {
    this.#known ??= (await this.#fromTag(signal)) ?? (await this.#fromAutoScaling(signal));
    return this.#known;
  }

  async #fromTag(signal: AbortSignal): Promise<string | undefined> {
    return (await this.#options.metadata.read(tagPath, signal))?.text.trim() || undefined;
  }

  async #fromAutoScaling(abortSignal: AbortSignal): Promise<string | undefined> {
    const { instanceId, metadata, autoScaling } = this.#options;
    if ((await metadata.read(noticePaths.targetState, abortSignal)) === undefined) return undefined;
    const { sdk, client } = await autoScaling.open();
    const command = new sdk.DescribeAutoScalingInstancesCommand({ InstanceIds: [instanceId] });
    const { AutoScalingInstances } = await client.send(command, { abortSignal });
    return AutoScalingInstances?.[0]?.AutoScalingGroupName;
  }
}
