import type { AutoScaling, LazyAutoScaling } from './auto-scaling-client.ts';
import { awsFailure } from './aws-failure.ts';
import type { GroupName } from './group-name.ts';
import type { GroupMembership } from './machine.ts';

export interface AutoScalingMembershipOptions {
  readonly instanceId: string;
  readonly groupName: GroupName;
  readonly autoScaling: LazyAutoScaling;
  /** Of one call with all its attempts, in ms. @default 10000 */
  readonly callLimitMs?: number;
}

/** One call in the making: the SDK, and whom it is about. */
interface Call extends AutoScaling {
  readonly groupName: string;
  readonly options: { readonly abortSignal: AbortSignal };
}

/**
 * Tells Auto Scaling about one instance, which is named by its id: a lifecycle action's token would have to come from
 * an event, and the id says the same. An instance that stands alone has nobody to tell: its calls do nothing.
 * All calls reject with a coded error of the `AWS_` rows.
 */
export class AutoScalingMembership implements GroupMembership {
  readonly #options: AutoScalingMembershipOptions;

  constructor(options: AutoScalingMembershipOptions) {
    this.#options = options;
  }

  async completeLifecycleAction(
    hookName: string,
    result: 'CONTINUE' | 'ABANDON',
    signal?: AbortSignal,
  ): Promise<boolean> {
    const { instanceId: InstanceId } = this.#options;
    return await this.#onOpenAction('CompleteLifecycleAction', signal, ({ sdk, client, groupName, options }) => {
      const action = { InstanceId, AutoScalingGroupName: groupName, LifecycleHookName: hookName };
      return client.send(new sdk.CompleteLifecycleActionCommand({ ...action, LifecycleActionResult: result }), options);
    });
  }

  async recordHeartbeat(hookName: string, signal?: AbortSignal): Promise<boolean> {
    const { instanceId: InstanceId } = this.#options;
    return await this.#onOpenAction('RecordLifecycleActionHeartbeat', signal, ({ sdk, client, groupName, options }) => {
      const action = { InstanceId, AutoScalingGroupName: groupName, LifecycleHookName: hookName };
      return client.send(new sdk.RecordLifecycleActionHeartbeatCommand(action), options);
    });
  }

  async setUnhealthy(signal?: AbortSignal): Promise<void> {
    const health = {
      InstanceId: this.#options.instanceId,
      HealthStatus: 'Unhealthy',
      // A broken GPU does not mend while the group waits.
      ShouldRespectGracePeriod: false,
    };
    await this.#call('SetInstanceHealth', signal, ({ sdk, client, options }) =>
      client.send(new sdk.SetInstanceHealthCommand(health), options),
    );
  }

  async setScaleInProtection(isProtected: boolean, signal?: AbortSignal): Promise<void> {
    const InstanceIds = [this.#options.instanceId];
    await this.#call('SetInstanceProtection', signal, async ({ sdk, client, groupName, options }) => {
      const protection = { InstanceIds, AutoScalingGroupName: groupName, ProtectedFromScaleIn: isProtected };
      try {
        await client.send(new sdk.SetInstanceProtectionCommand(protection), options);
      } catch (error) {
        // An instance that already leaves has no protection to lose.
        if (isProtected || !isRefusedBecause(error, /is not in InService/i)) throw error;
      }
    });
  }

  async #onOpenAction(
    action: string,
    signal: AbortSignal | undefined,
    send: (call: Call) => Promise<unknown>,
  ): Promise<boolean> {
    const isDone = await this.#call(action, signal, async (call) => {
      try {
        await send(call);
        return true;
      } catch (error) {
        if (isRefusedBecause(error, /no active lifecycle action/i)) return false;
        throw error;
      }
    });
    return isDone ?? false;
  }

  /** @returns undefined for an instance without a group */
  async #call<T>(
    action: string,
    signal: AbortSignal | undefined,
    send: (call: Call) => Promise<T>,
  ): Promise<T | undefined> {
    const { autoScaling, groupName, callLimitMs = 10_000 } = this.#options;
    const limit = AbortSignal.timeout(callLimitMs);
    const abortSignal = signal ? AbortSignal.any([signal, limit]) : limit;
    try {
      const name = await groupName.find(abortSignal);
      if (name === undefined) return undefined;
      return await send({ ...(await autoScaling.open()), groupName: name, options: { abortSignal } });
    } catch (error) {
      signal?.throwIfAborted();
      throw awsFailure(action, groupName.known, limit.aborted ? limit.reason : error);
    }
  }
}

/** Auto Scaling has one code for everything that it refuses; the message tells why. */
function isRefusedBecause(error: unknown, message: RegExp): boolean {
  const { name, message: text = '' } = error as { name?: string; message?: string };
  return name === 'ValidationError' && message.test(text);
}
