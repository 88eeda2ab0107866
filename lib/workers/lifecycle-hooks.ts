import type { CfnAutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling';
import type { WorkerGroupConfig } from '../config/schema.ts';
import { launchHook, terminateHook } from '../names.ts';

/** What the runner needs after its drain, to stop the engine and say goodbye. */
export const engineStopSeconds = 60;
/** Between the end of a machine that kept to its time and the time-out of its hook. */
const hookMarginSeconds = 60;

/** How long a machine may take until it serves, in seconds. */
export function startSeconds({ startMinutes }: Pick<WorkerGroupConfig, 'startMinutes'>): number {
  return 60 * startMinutes;
}

/** How long a machine may take from the notice of its end to the end of its daemons, in seconds. */
export function stopSeconds({ drainSeconds }: Pick<WorkerGroupConfig, 'drainSeconds'>): number {
  return drainSeconds + engineStopSeconds;
}

/**
 * The hooks at which machines wait: new ones until they have generated, leaving ones until they have drained. The runner
 * completes both, and its heartbeats start their time anew; a machine whose runner is silent is ended or let go after it.
 * They belong to the group itself, since a hook that is made after the group misses the group's first machines.
 */
export function lifecycleHooks(
  config: Pick<WorkerGroupConfig, 'startMinutes' | 'drainSeconds'>,
): CfnAutoScalingGroup.LifecycleHookSpecificationProperty[] {
  return [
    {
      lifecycleHookName: launchHook,
      lifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING',
      heartbeatTimeout: startSeconds(config),
      defaultResult: 'ABANDON',
    },
    {
      lifecycleHookName: terminateHook,
      lifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
      heartbeatTimeout: stopSeconds(config) + hookMarginSeconds,
      defaultResult: 'CONTINUE',
    },
  ];
}

/** The shorter time-out of the two, in seconds. */
export function shortestHookSeconds(config: Pick<WorkerGroupConfig, 'startMinutes' | 'drainSeconds'>): number {
  return Math.min(...lifecycleHooks(config).map((hook) => hook.heartbeatTimeout!));
}
