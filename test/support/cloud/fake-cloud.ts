import { until } from '../poll.ts';
import { ApiEndpoint } from './api-endpoint.ts';
import { answerAction } from './auto-scaling-api.ts';
import { CloudMachine, ScalingGroup } from './cloud-machine.ts';
import { FakeInstanceMetadata } from './instance-metadata.ts';
import type {
  CloudCall,
  CloudFailure,
  CloudInstance,
  CloudStory,
  GroupOptions,
  GroupView,
  HookOutcome,
  LaunchOptions,
} from './story.ts';

export const throttled: CloudFailure = { status: 400, code: 'Throttling', message: 'Rate exceeded' };

export interface FakeCloudOptions {
  /** Divides the time-outs of hooks and cool-downs. @default 1 */
  readonly timeScale?: number;
  /** Most items of one page of an answer. @default 50 */
  readonly pageSize?: number;
}

const roleName = 'fleet-worker';
const roleKey = 'ASIAFAKEROLEKEY00000';

/** An AWS region that is started, not mocked: see `CloudStory`. Instances have their credentials from their role. */
export class FakeCloud implements CloudStory {
  readonly #timeScale: number;
  readonly #groups = new Map<string, ScalingGroup>();
  readonly #machines = new Map<string, CloudMachine>();
  readonly #api: ApiEndpoint;
  #launches = 0;

  private constructor({ timeScale = 1, pageSize = 50 }: FakeCloudOptions) {
    this.#timeScale = timeScale;
    const region = { groups: this.#groups, machines: this.#machines, pageSize, timeScale };
    this.#api = new ApiEndpoint((parameters) => answerAction(parameters, region));
    this.#api.accessKeys.add(roleKey);
  }

  static async start(options: FakeCloudOptions = {}): Promise<FakeCloud> {
    const cloud = new FakeCloud(options);
    await cloud.#api.listen();
    return cloud;
  }

  get endpoint(): string {
    return this.#api.url;
  }

  get calls(): readonly CloudCall[] {
    return this.#api.calls;
  }

  callsOf(action: string): readonly CloudCall[] {
    return this.calls.filter((call) => call.action === action);
  }

  createGroup(options: GroupOptions = {}): void {
    const { name = 'fleet-workers', minSize = 0, maxSize = 10, desiredCapacity = 0, cooldownSeconds = 0 } = options;
    const hooks = (options.hooks ?? []).map((hook) => ({
      heartbeatTimeoutSeconds: 3_600,
      defaultResult: 'ABANDON' as const,
      ...hook,
    }));
    this.#groups.set(name, new ScalingGroup({ name, hooks, minSize, maxSize, desiredCapacity, cooldownSeconds }));
  }

  group(name: string): GroupView {
    const group = this.#groups.get(name);
    if (!group) throw new Error(`The fake cloud has no group ${name}.`);
    return group;
  }

  async launch(options: LaunchOptions = {}): Promise<CloudInstance> {
    const instanceId = options.instanceId ?? `i-${String(++this.#launches).padStart(17, '0')}`;
    const groupName = options.group === undefined ? [...this.#groups.keys()][0] : options.group;
    const group = typeof groupName === 'string' ? this.#groups.get(this.group(groupName).name) : undefined;
    const hasTags = options.hasTagsInMetadata ?? true;
    const metadata = await FakeInstanceMetadata.start({
      'instance-id': instanceId,
      'placement/region': 'us-east-1',
      ...(group && hasTags && { 'tags/instance/aws:autoscaling:groupName': group.name }),
      ...roleItems(),
    });
    const environment = this.#environmentOf(metadata);
    const { privateIp = '127.0.0.1' } = options;
    const machine = new CloudMachine({
      ...{ instanceId, privateIp, group, metadata, environment },
      timeScale: this.#timeScale,
    });
    this.#machines.set(instanceId, machine);
    if (group) machine.launch(options.to ?? 'InService');
    return machine;
  }

  terminate(instance: CloudInstance): void {
    this.#machine(instance).terminate();
  }

  returnToWarmPool(instance: CloudInstance): void {
    this.#machine(instance).returnToWarmPool();
  }

  takeFromWarmPool(instance: CloudInstance): void {
    // The instance was stopped, and boots again.
    instance.metadata.revokeTokens();
    this.#machine(instance).launch('InService');
  }

  interruptSpot(instance: CloudInstance, inMs: number, action: 'terminate' | 'stop' | 'hibernate' = 'terminate'): void {
    this.#machine(instance).interruptSpot(inMs, action);
  }

  recommendRebalance(instance: CloudInstance): void {
    this.#machine(instance).recommendRebalance();
  }

  setDown(isDown: boolean, how: 'refuse' | 'hang' = 'refuse'): void {
    this.#api.down = isDown ? how : undefined;
  }

  failNext(failures: readonly CloudFailure[], action?: string): void {
    this.#api.failNext(failures, action);
  }

  rejectCredentials(): void {
    this.#api.accessKeys.clear();
  }

  get apiClockAheadMs(): number {
    return this.#api.clockAheadMs;
  }

  set apiClockAheadMs(ms: number) {
    this.#api.clockAheadMs = ms;
  }

  async hookCompleted(instance: CloudInstance, hookName?: string): Promise<HookOutcome> {
    return await until(`the hook ${hookName ?? ''} of ${instance.instanceId} ended`, () =>
      instance.outcomes.find((outcome) => hookName === undefined || outcome.hookName === hookName),
    );
  }

  async stateReached(instance: CloudInstance, state: string): Promise<void> {
    await until(`${instance.instanceId} was ${state}`, () => instance.state === state);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#machines.values()].map((machine) => machine.close()));
    await this.#api[Symbol.asyncDispose]();
  }

  #machine({ instanceId }: CloudInstance): CloudMachine {
    return this.#machines.get(instanceId)!;
  }

  /** Whatever credentials and profiles the machine that runs the tests has, they are not used. */
  #environmentOf({ endpoint }: FakeInstanceMetadata): Record<string, string> {
    return {
      AWS_EC2_METADATA_DISABLED: 'false',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint,
      AWS_ENDPOINT_URL_AUTO_SCALING: this.endpoint,
      AWS_ENDPOINT_URL_EC2: this.endpoint,
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
      AWS_PROFILE: '',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    };
  }
}

function roleItems(): Record<string, string> {
  const credentials = {
    Code: 'Success',
    Type: 'AWS-HMAC',
    AccessKeyId: roleKey,
    SecretAccessKey: 'fake-secret-access-key',
    Token: 'fake-session-token',
    LastUpdated: new Date().toISOString(),
    Expiration: new Date(Date.now() + 6 * 3_600_000).toISOString(),
  };
  return {
    'iam/security-credentials/': roleName,
    [`iam/security-credentials/${roleName}`]: JSON.stringify(credentials),
  };
}
