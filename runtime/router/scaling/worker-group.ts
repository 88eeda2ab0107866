import type { AutoScalingClient, Instance } from '@aws-sdk/client-auto-scaling';
import type { GroupSize } from './next-capacity.ts';

/** The one thing in the cloud that a router changes. */
export interface WorkerGroup {
  /** @throws when there is no such group, and what the client throws */
  read(signal: AbortSignal): Promise<GroupSize>;
  /** Sets the desired capacity, whatever scaling did a moment ago. @throws what the client throws */
  setDesired(instances: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** An Auto Scaling group. @param open makes the client, at its first use and again after each failure to make one */
export function autoScalingGroup(groupName: string, open: () => Promise<AutoScalingClient>): WorkerGroup {
  let client: AutoScalingClient | undefined;
  return {
    async read(abortSignal) {
      client ??= await open();
      const { paginateDescribeAutoScalingGroups } = await import('@aws-sdk/client-auto-scaling');
      const input = { AutoScalingGroupNames: [groupName] };
      for await (const page of paginateDescribeAutoScalingGroups({ client }, input, { abortSignal })) {
        for (const { AutoScalingGroupName, DesiredCapacity, MaxSize, Instances = [] } of page.AutoScalingGroups ?? []) {
          if (AutoScalingGroupName !== groupName || DesiredCapacity === undefined || MaxSize === undefined) continue;
          return { desired: DesiredCapacity, max: MaxSize, instances: Instances.filter(servesOrWill).length };
        }
      }
      throw new Error(
        `There is no Auto Scaling group "${groupName}" in this account and region. Check --asg and AWS_REGION.`,
      );
    },
    async setDesired(instances, abortSignal) {
      client ??= await open();
      const { SetDesiredCapacityCommand } = await import('@aws-sdk/client-auto-scaling');
      const input = { AutoScalingGroupName: groupName, DesiredCapacity: instances, HonorCooldown: false };
      await client.send(new SetDesiredCapacityCommand(input), { abortSignal });
    },
    close: () => client?.destroy(),
  };
}

/** Not one that leaves, stands by, or is of the warm pool. */
function servesOrWill({ LifecycleState }: Instance): boolean {
  return /^(Pending|InService|ReplacingRootVolume|RootVolumeReplaced)/.test(LifecycleState ?? '');
}
