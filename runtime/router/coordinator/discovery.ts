import type { AutoScalingClient, Instance } from '@aws-sdk/client-auto-scaling';
import type { EC2Client } from '@aws-sdk/client-ec2';

export interface DiscoveryClients {
  readonly autoScaling: AutoScalingClient;
  readonly ec2: EC2Client;
}

/** A member of an Auto Scaling group that serves, or that served and is on its way out. */
export interface DiscoveredInstance {
  readonly instanceId: string;
  readonly privateIp: string;
  /** `InService`, or one of the `Terminating` states: the instance drains. */
  readonly lifecycleState: string;
  /** As the group sees it: `Healthy` or `Unhealthy`. */
  readonly healthStatus: string;
}

/** Values in one EC2 filter (AWS limit). */
const idsPerRequest = 200;

/**
 * The instances of exactly the group `groupName` that serve or drain, with their private addresses, ordered by id.
 * Members that are still pending, warm, on standby or that EC2 no longer knows are left out.
 * Throws when there is no such group, so that a wrong name never looks like an empty fleet; else what the clients throw.
 */
export async function discoverInstances(
  clients: DiscoveryClients,
  groupName: string,
  signal: AbortSignal,
): Promise<DiscoveredInstance[]> {
  const members = (await membersOf(clients.autoScaling, groupName, signal)).filter(servesOrDrains);
  const addresses = await privateAddresses(
    clients.ec2,
    members.map((member) => member.InstanceId!),
    signal,
  );
  return members
    .flatMap(({ InstanceId: instanceId, LifecycleState, HealthStatus }): DiscoveredInstance[] => {
      const privateIp = addresses.get(instanceId!);
      if (privateIp === undefined) return [];
      return [
        {
          instanceId: instanceId!,
          privateIp,
          lifecycleState: LifecycleState!,
          healthStatus: HealthStatus ?? 'Unknown',
        },
      ];
    })
    .sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
}

/** Whether the group is taking the instance away, so that it gets no new work. */
export function isLeaving(instance: DiscoveredInstance): boolean {
  return instance.lifecycleState.startsWith('Terminating');
}

/** `Warmed:Terminating` is not meant: an instance of the warm pool never served. */
function servesOrDrains({ InstanceId, LifecycleState }: Instance): boolean {
  if (InstanceId === undefined || LifecycleState === undefined) return false;
  return LifecycleState === 'InService' || LifecycleState.startsWith('Terminating');
}

async function membersOf(client: AutoScalingClient, groupName: string, signal: AbortSignal): Promise<Instance[]> {
  const { paginateDescribeAutoScalingGroups } = await import('@aws-sdk/client-auto-scaling');
  const input = { AutoScalingGroupNames: [groupName] };
  const members: Instance[] = [];
  let isKnown = false;
  for await (const page of paginateDescribeAutoScalingGroups({ client }, input, { abortSignal: signal })) {
    for (const group of page.AutoScalingGroups ?? []) {
      if (group.AutoScalingGroupName !== groupName) continue;
      isKnown = true;
      members.push(...(group.Instances ?? []));
    }
  }
  if (!isKnown) {
    throw new Error(
      `There is no Auto Scaling group "${groupName}" in this account and region. Check --asg and AWS_REGION.`,
    );
  }
  return members;
}

/**
 * Private IPv4 addresses by instance id. Asks with a filter and not with `InstanceIds`: one id that EC2 has forgotten
 * would fail the whole call with InvalidInstanceID.NotFound.
 */
async function privateAddresses(
  client: EC2Client,
  instanceIds: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const { paginateDescribeInstances } = await import('@aws-sdk/client-ec2');
  const addresses = new Map<string, string>();
  for (let start = 0; start < instanceIds.length; start += idsPerRequest) {
    const input = { Filters: [{ Name: 'instance-id', Values: instanceIds.slice(start, start + idsPerRequest) }] };
    for await (const page of paginateDescribeInstances({ client }, input, { abortSignal: signal })) {
      for (const { InstanceId, PrivateIpAddress } of page.Reservations?.flatMap((r) => r.Instances ?? []) ?? []) {
        if (InstanceId && PrivateIpAddress) addresses.set(InstanceId, PrivateIpAddress);
      }
    }
  }
  return addresses;
}
