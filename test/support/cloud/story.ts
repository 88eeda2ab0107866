import type { FakeInstanceMetadata } from './instance-metadata.ts';

/** The words in which tests tell a fake cloud what happens. Times in ms; those of events are on the clock of `performance.now()`. */

export interface HookOptions {
  readonly name: string;
  readonly transition: 'launching' | 'terminating';
  /** AWS takes 30 to 7,200 s; divided by the cloud's time scale here. @default 3600 */
  readonly heartbeatTimeoutSeconds?: number;
  /** @default 'ABANDON' */
  readonly defaultResult?: HookResult;
}

export type HookResult = 'CONTINUE' | 'ABANDON';

export interface GroupOptions {
  /** @default 'fleet-workers' */
  readonly name?: string;
  readonly hooks?: readonly HookOptions[];
  /** @default 0 */
  readonly minSize?: number;
  /** @default 10 */
  readonly maxSize?: number;
  /** @default 0 */
  readonly desiredCapacity?: number;
  /** After a change of the desired capacity, for calls that honour it; divided by the cloud's time scale. @default 0 */
  readonly cooldownSeconds?: number;
}

export interface LaunchOptions {
  /** @default - the first group; null launches an instance that belongs to none */
  readonly group?: string | null;
  /** @default - one that is not yet taken */
  readonly instanceId?: string;
  /** Where the instance goes after its launch hook. @default 'InService' */
  readonly to?: 'InService' | 'Warmed:Stopped' | 'Warmed:Running';
  /** The metadata has the instance's tags, the group's name among them. @default true */
  readonly hasTagsInMetadata?: boolean;
  /** Where routers reach the instance, by `DescribeInstances`. @default '127.0.0.1' */
  readonly privateIp?: string;
}

/** How an open lifecycle action ended. */
export interface HookOutcome {
  readonly instanceId: string;
  readonly hookName: string;
  readonly result: HookResult;
  readonly by: 'call' | 'timeout';
  readonly atMs: number;
  /** Heartbeats that it was given. */
  readonly heartbeats: number;
}

/** One request to an API of the fake cloud. */
export interface CloudCall {
  /** e.g. `CompleteLifecycleAction` */
  readonly action: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly atMs: number;
  /** HTTP status of the answer; 0 for none. */
  readonly status: number;
}

/** An answer that refuses. */
export interface CloudFailure {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** A machine of the fake cloud, for a daemon of the test to run on. */
export interface CloudInstance {
  readonly instanceId: string;
  readonly groupName: string | undefined;
  /** For the environment of a daemon on it: where the instance metadata and the APIs are, credentials and the region. */
  readonly environment: Readonly<Record<string, string>>;
  /** `LifecycleState` as the group has it, e.g. `Terminating:Wait`. */
  readonly state: string;
  readonly healthStatus: 'Healthy' | 'Unhealthy';
  readonly isProtectedFromScaleIn: boolean;
  /** Its metadata service, for faults, revoked tokens and a wrong clock. */
  readonly metadata: FakeInstanceMetadata;
  /** The hooks that ended for it, in order. */
  readonly outcomes: readonly HookOutcome[];
}

export interface GroupView {
  readonly name: string;
  readonly minSize: number;
  readonly maxSize: number;
  readonly desiredCapacity: number;
}

/** An AWS region with Auto Scaling groups: an API endpoint for all, and instance metadata for each instance. */
export interface CloudStory extends AsyncDisposable {
  /** Of Auto Scaling (and of `DescribeInstances`). */
  readonly endpoint: string;
  /** Every request, oldest first; those to an API that is down have status 0. */
  readonly calls: readonly CloudCall[];
  createGroup(options?: GroupOptions): void;
  /** @throws for a group that was not made */
  group(name: string): GroupView;
  /** Starts an instance; its launch hook's clock starts too. */
  launch(options?: LaunchOptions): Promise<CloudInstance>;
  /** Scale-in: target state `Terminated`, state `Terminating:Wait`, and the terminate hook's clock starts. */
  terminate(instance: CloudInstance): void;
  /** Scale-in of a group that reuses instances: as above, with the target state `Warmed:Stopped`. */
  returnToWarmPool(instance: CloudInstance): void;
  /** Takes an instance out of the warm pool: target state `InService`, with the launch hook once more. */
  takeFromWarmPool(instance: CloudInstance): void;
  /** The interruption notice of Spot; after `inMs` (real time) the group has the instance as `Terminated`, hooks or not. */
  interruptSpot(instance: CloudInstance, inMs: number, action?: 'terminate' | 'stop' | 'hibernate'): void;
  recommendRebalance(instance: CloudInstance): void;
  /** Nobody reaches the APIs: 'refuse' cuts each connection at once, 'hang' never answers. @param how default 'refuse' */
  setDown(isDown: boolean, how?: 'refuse' | 'hang'): void;
  /** Refuses the next requests, first one first. @param action only those of this action */
  failNext(failures: readonly CloudFailure[], action?: string): void;
  /** No credentials are good any more: every call is refused. */
  rejectCredentials(): void;
  /** How far the clock of the APIs is ahead of this machine's, in ms. They refuse requests signed 5 min off. */
  apiClockAheadMs: number;
  /**
   * Resolves with the end of the action of that hook, also when it has already ended.
   * @param hookName default: the hook that ended first
   */
  hookCompleted(instance: CloudInstance, hookName?: string): Promise<HookOutcome>;
  /** Resolves when the group has the instance in that state, at once when it does. */
  stateReached(instance: CloudInstance, state: string): Promise<void>;
  callsOf(action: string): readonly CloudCall[];
}
