import type { CloudCall, CloudFailure, GroupOptions, HookOutcome, LaunchOptions } from './story.ts';

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
}

/** An AWS region with Auto Scaling groups: an API endpoint for all, and instance metadata for each instance. */
export interface CloudStory extends AsyncDisposable {
  /** Of Auto Scaling (and of `DescribeInstances`). */
  readonly endpoint: string;
  /** Every request, oldest first; those to an API that is down have status 0. */
  readonly calls: readonly CloudCall[];
  createGroup(options?: GroupOptions): void;
  /** Starts an instance; its launch hook's clock starts too. */
  launch(options?: LaunchOptions): Promise<CloudInstance>;
  /** Scale-in: target state `Terminated`, state `Terminating:Wait`, and the terminate hook's clock starts. */
  terminate(instance: CloudInstance): void;
  /** Scale-in of a group that reuses instances: as above, with the target state `Warmed:Stopped`. */
  returnToWarmPool(instance: CloudInstance): void;
  /** Takes an instance out of the warm pool: target state `InService`, with the launch hook once more. */
  takeFromWarmPool(instance: CloudInstance): void;
  /** The interruption notice of Spot. @param inMs from now, real time */
  interruptSpot(instance: CloudInstance, inMs: number, action?: 'terminate' | 'stop' | 'hibernate'): void;
  recommendRebalance(instance: CloudInstance): void;
  /** Nobody reaches the APIs: 'refuse' cuts each connection at once, 'hang' never answers. @param how default 'refuse' */
  setDown(isDown: boolean, how?: 'refuse' | 'hang'): void;
  /** Refuses the next requests, first one first. @param action only those of this action */
  failNext(failures: readonly CloudFailure[], action?: string): void;
  /** Resolves with the end of the action of that hook, also when it has already ended. @param hookName default: the hook that ended first */
  hookCompleted(instance: CloudInstance, hookName?: string): Promise<HookOutcome>;
  /** Resolves when the group has the instance in that state, at once when it does. */
  stateReached(instance: CloudInstance, state: string): Promise<void>;
  callsOf(action: string): readonly CloudCall[];
}
