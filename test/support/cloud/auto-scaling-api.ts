import type { CloudMachine, ScalingGroup } from './cloud-machine.ts';
import { answerXml, ec2AnswerXml, element, elements, list, listOf } from './query-xml.ts';
import type { CloudFailure, HookResult } from './story.ts';

/** What the APIs are about. */
export interface CloudRegion {
  readonly groups: ReadonlyMap<string, ScalingGroup>;
  readonly machines: ReadonlyMap<string, CloudMachine>;
  /** Most items of one page. */
  readonly pageSize: number;
  readonly timeScale: number;
}

export class CloudRefusal extends Error {
  readonly failure: CloudFailure;

  constructor(message: string, code = 'ValidationError', status = 400) {
    super(message);
    this.failure = { status, code, message };
  }
}

type Answer = (parameters: URLSearchParams, region: CloudRegion) => string;

/** The answer of an action as XML. @throws CloudRefusal */
export function answerAction(parameters: URLSearchParams, region: CloudRegion): string {
  const action = parameters.get('Action') ?? '';
  if (action === 'DescribeInstances') return ec2AnswerXml(action, describeInstances(parameters, region));
  const answer = actions[action];
  if (!answer) throw new CloudRefusal(`The action ${action} is not valid for this web service.`, 'InvalidAction');
  return answerXml(action, answer(parameters, region));
}

const actions: Readonly<Record<string, Answer>> = {
  CompleteLifecycleAction(parameters, region) {
    const result = required(parameters, 'LifecycleActionResult');
    if (result !== 'CONTINUE' && result !== 'ABANDON') {
      throw new CloudRefusal('Lifecycle action result must be either CONTINUE or ABANDON');
    }
    openAction(parameters, region).complete(result satisfies HookResult);
    return '';
  },
  RecordLifecycleActionHeartbeat(parameters, region) {
    openAction(parameters, region).heartbeat();
    return '';
  },
  DescribeAutoScalingInstances(parameters, { groups, pageSize }) {
    const ids = listOf(parameters, 'InstanceIds.member.');
    const all = [...groups.values()].flatMap(({ machines }) => [...machines.values()]);
    const found = ids.length === 0 ? all : all.filter(({ instanceId }) => ids.includes(instanceId));
    const page = pageOf(found, parameters, pageSize);
    const members = page.items.map(
      (machine) => memberXml(machine) + elements({ AutoScalingGroupName: machine.groupName }),
    );
    return list('AutoScalingInstances', members) + page.next;
  },
  DescribeAutoScalingGroups(parameters, { groups, pageSize }) {
    const names = listOf(parameters, 'AutoScalingGroupNames.member.');
    const found = [...groups.values()].filter(({ name }) => names.length === 0 || names.includes(name));
    const page = pageOf(found, parameters, pageSize);
    return list('AutoScalingGroups', page.items.map(groupXml)) + page.next;
  },
  DescribeLifecycleHooks(parameters, region) {
    const { name, hooks } = groupOf(parameters, region);
    const names = listOf(parameters, 'LifecycleHookNames.member.');
    const found = hooks.filter((hook) => names.length === 0 || names.includes(hook.name));
    const members = found.map((hook) =>
      elements({
        LifecycleHookName: hook.name,
        AutoScalingGroupName: name,
        LifecycleTransition: `autoscaling:EC2_INSTANCE_${hook.transition.toUpperCase()}`,
        HeartbeatTimeout: hook.heartbeatTimeoutSeconds,
        GlobalTimeout: Math.min(172_800, 100 * hook.heartbeatTimeoutSeconds),
        DefaultResult: hook.defaultResult,
      }),
    );
    return list('LifecycleHooks', members);
  },
  SetInstanceHealth(parameters, region) {
    const machine = managedMachine(required(parameters, 'InstanceId'), region);
    const status = required(parameters, 'HealthStatus');
    if (status !== 'Healthy' && status !== 'Unhealthy') throw new CloudRefusal(`Invalid health status ${status}`);
    machine.healthStatus = status;
    // The group's own health check comes a little later.
    if (status === 'Unhealthy' && !machine.state.startsWith('Terminat')) setImmediate(() => machine.terminate());
    return '';
  },
  SetInstanceProtection(parameters, region) {
    const group = groupOf(parameters, region);
    for (const id of listOf(parameters, 'InstanceIds.member.')) {
      const machine = group.machines.get(id);
      if (!machine) throw new CloudRefusal(`The instance ${id} is not part of Auto Scaling group ${group.name}.`);
      if (!['InService', 'EnteringStandby', 'Standby'].includes(machine.state)) {
        throw new CloudRefusal(`The instance ${id} is not in InService or EnteringStandby or Standby.`);
      }
      machine.isProtectedFromScaleIn = required(parameters, 'ProtectedFromScaleIn') === 'true';
    }
    return '';
  },
  SetDesiredCapacity(parameters, region) {
    const group = groupOf(parameters, region);
    const wanted = Number(required(parameters, 'DesiredCapacity'));
    const limit = wanted > group.maxSize ? `above max value ${group.maxSize}` : `below min value ${group.minSize}`;
    if (wanted > group.maxSize || wanted < group.minSize) {
      throw new CloudRefusal(`New SetDesiredCapacity value ${wanted} is ${limit} for the AutoScalingGroup.`);
    }
    if (parameters.get('HonorCooldown') === 'true' && performance.now() < group.cooldownUntilMs) {
      throw new CloudRefusal(
        'You cannot change the capacity while a cooldown is in progress.',
        'ScalingActivityInProgress',
      );
    }
    group.desiredCapacity = wanted;
    group.cooldownUntilMs = performance.now() + (1_000 * group.cooldownSeconds) / region.timeScale;
    return '';
  },
  TerminateInstanceInAutoScalingGroup(parameters, region) {
    const machine = managedMachine(required(parameters, 'InstanceId'), region);
    const group = machine.group!;
    if (required(parameters, 'ShouldDecrementDesiredCapacity') === 'true') {
      if (group.desiredCapacity - 1 < group.minSize) {
        throw new CloudRefusal(
          'Currently, desiredSize equals minSize. Terminating instance without replacement will violate group min size constraint.',
        );
      }
      group.desiredCapacity--;
    }
    machine.terminate();
    const Cause = `instance ${machine.instanceId} was taken out of service in response to a user request.`;
    const activity = { ActivityId: 'fake-activity', AutoScalingGroupName: group.name, Cause, StatusCode: 'InProgress' };
    return element('Activity', elements({ ...activity, StartTime: new Date().toISOString(), Progress: 0 }));
  },
};

function openAction(parameters: URLSearchParams, region: CloudRegion) {
  const group = groupOf(parameters, region);
  const id = required(parameters, 'InstanceId');
  const action = group.machines.get(id)?.actions.get(required(parameters, 'LifecycleHookName'));
  if (!action) throw new CloudRefusal(`No active Lifecycle Action found with instance ID ${id}`);
  return action;
}

function groupOf(parameters: URLSearchParams, { groups }: CloudRegion): ScalingGroup {
  const name = required(parameters, 'AutoScalingGroupName');
  const group = groups.get(name);
  if (!group) throw new CloudRefusal(`AutoScalingGroup name not found - AutoScalingGroup '${name}' not found`);
  return group;
}

function managedMachine(id: string, { groups }: CloudRegion): CloudMachine {
  for (const { machines } of groups.values()) {
    const machine = machines.get(id);
    if (machine) return machine;
  }
  throw new CloudRefusal(`Instance Id not found - No managed instance found for instance ID: ${id}`);
}

function required(parameters: URLSearchParams, name: string): string {
  const value = parameters.get(name);
  if (value === null || value === '') {
    const path = `${name[0]!.toLowerCase()}${name.slice(1)}`;
    throw new CloudRefusal(
      `1 validation error detected: Value null at '${path}' failed to satisfy constraint: Member must not be null`,
    );
  }
  return value;
}

function pageOf<T>(items: readonly T[], parameters: URLSearchParams, pageSize: number) {
  const start = Number(parameters.get('NextToken') ?? 0);
  const end = start + Math.min(Number(parameters.get('MaxRecords') ?? pageSize), pageSize);
  return { items: items.slice(start, end), next: end < items.length ? element('NextToken', end) : '' };
}

function memberXml(machine: CloudMachine): string {
  return elements({
    InstanceId: machine.instanceId,
    AvailabilityZone: 'us-east-1a',
    LifecycleState: machine.state,
    HealthStatus: machine.healthStatus,
    ProtectedFromScaleIn: machine.isProtectedFromScaleIn,
  });
}

function groupXml(group: ScalingGroup): string {
  const { name: AutoScalingGroupName, minSize: MinSize, maxSize: MaxSize, desiredCapacity: DesiredCapacity } = group;
  const head = elements({ AutoScalingGroupName, MinSize, MaxSize, DesiredCapacity, DefaultCooldown: 300 });
  return head + list('Instances', [...group.machines.values()].map(memberXml));
}

/** By the filter on ids that discovery uses. */
function describeInstances(parameters: URLSearchParams, { machines, pageSize }: CloudRegion): string {
  const ids = listOf(parameters, 'Filter.1.Value.');
  const found = [...machines.values()].filter(
    (machine) => machine.state !== 'Terminated' && ids.includes(machine.instanceId),
  );
  const page = pageOf(found, parameters, pageSize);
  const items = page.items.map(({ instanceId, privateIp: privateIpAddress }) => {
    const instance = element('item', elements({ instanceId, privateIpAddress }));
    return element('item', element('instancesSet', instance));
  });
  return element('reservationSet', items.join('')) + page.next.replaceAll('NextToken', 'nextToken');
}
