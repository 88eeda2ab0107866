import {
  AutoScalingClient,
  DescribeAutoScalingGroupsCommand,
  DescribeAutoScalingInstancesCommand,
  DescribeLifecycleHooksCommand,
  paginateDescribeAutoScalingGroups,
  SetDesiredCapacityCommand,
  SetInstanceHealthCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { FakeCloud, type FakeCloudOptions } from './fake-cloud.ts';
import { onInstance } from './on-instance.ts';

/** A fake cloud with the AWS SDK's clients, which have their credentials from the role of an instance of its own. */
async function startCloud(options: FakeCloudOptions = {}) {
  const cloud = await FakeCloud.start(options);
  const environment = onInstance(await cloud.launch({ group: null }));
  const config = { region: 'us-east-1', maxAttempts: 1 };
  const autoScaling = new AutoScalingClient(config);
  const ec2 = new EC2Client(config);
  return {
    ...{ cloud, autoScaling, ec2 },
    async [Symbol.asyncDispose]() {
      autoScaling.destroy();
      ec2.destroy();
      environment[Symbol.dispose]();
      await cloud[Symbol.asyncDispose]();
    },
  };
}

const hooks = [
  { name: 'boot', transition: 'launching', heartbeatTimeoutSeconds: 600 },
  { name: 'drain', transition: 'terminating', heartbeatTimeoutSeconds: 120, defaultResult: 'CONTINUE' },
] as const;

test('instances, groups and hooks are described as the SDK expects them', async () => {
  await using started = await startCloud();
  const { cloud, autoScaling, ec2 } = started;
  cloud.createGroup({ name: 'a&b', hooks, minSize: 1, maxSize: 4, desiredCapacity: 2 });
  const { instanceId } = await cloud.launch({ privateIp: '10.0.0.7' });
  const lone = await autoScaling.send(new DescribeAutoScalingInstancesCommand({ InstanceIds: ['i-nobody'] }));
  expect(lone.AutoScalingInstances).toEqual([]);
  const instance = {
    InstanceId: instanceId,
    LifecycleState: 'Pending:Wait',
    HealthStatus: 'Healthy',
    ProtectedFromScaleIn: false,
    AvailabilityZone: 'us-east-1a',
  };
  const known = await autoScaling.send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [instanceId] }));
  expect(known.AutoScalingInstances).toEqual([{ ...instance, AutoScalingGroupName: 'a&b' }]);
  const { AutoScalingGroups } = await autoScaling.send(new DescribeAutoScalingGroupsCommand({}));
  expect(AutoScalingGroups).toEqual([
    expect.objectContaining({
      ...{ AutoScalingGroupName: 'a&b', MinSize: 1, MaxSize: 4, DesiredCapacity: 2 },
      Instances: [instance],
    }),
  ]);
  const command = new DescribeLifecycleHooksCommand({ AutoScalingGroupName: 'a&b', LifecycleHookNames: ['drain'] });
  expect((await autoScaling.send(command)).LifecycleHooks).toEqual([
    {
      LifecycleHookName: 'drain',
      AutoScalingGroupName: 'a&b',
      LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
      HeartbeatTimeout: 120,
      GlobalTimeout: 12_000,
      DefaultResult: 'CONTINUE',
    },
  ]);
  const filter = { Filters: [{ Name: 'instance-id', Values: [instanceId] }] };
  const { Reservations } = await ec2.send(new DescribeInstancesCommand(filter));
  expect(Reservations?.flatMap((reservation) => reservation.Instances)).toMatchObject([
    { InstanceId: instanceId, PrivateIpAddress: '10.0.0.7' },
  ]);
});

test('groups come in pages', async () => {
  await using started = await startCloud({ pageSize: 2 });
  for (const name of ['a', 'b', 'c', 'd', 'e']) started.cloud.createGroup({ name });
  const pages = paginateDescribeAutoScalingGroups({ client: started.autoScaling }, {});
  const names: (string | undefined)[][] = [];
  for await (const page of pages) names.push(page.AutoScalingGroups!.map((group) => group.AutoScalingGroupName));
  expect(names).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
});

test('the desired capacity stays within its bounds and its cool-down', async () => {
  await using started = await startCloud();
  started.cloud.createGroup({ minSize: 1, maxSize: 3, cooldownSeconds: 300 });
  const set = (DesiredCapacity: number, HonorCooldown = true) =>
    started.autoScaling.send(
      new SetDesiredCapacityCommand({ AutoScalingGroupName: 'fleet-workers', DesiredCapacity, HonorCooldown }),
    );
  await expect(set(4)).rejects.toMatchObject({
    name: 'ValidationError',
    message: expect.stringContaining('above max'),
  });
  await expect(set(0)).rejects.toMatchObject({
    name: 'ValidationError',
    message: expect.stringContaining('below min'),
  });
  await set(2);
  await expect(set(3)).rejects.toMatchObject({ name: 'ScalingActivityInProgressFault' });
  await set(3, false);
  expect(started.cloud.group('fleet-workers').desiredCapacity).toBe(3);
});

test('an instance that is terminated by its group waits for the hook', async () => {
  await using started = await startCloud();
  started.cloud.createGroup({ hooks: [hooks[1]], desiredCapacity: 1 });
  const instance = await started.cloud.launch();
  const { Activity } = await started.autoScaling.send(
    new TerminateInstanceInAutoScalingGroupCommand({
      InstanceId: instance.instanceId,
      ShouldDecrementDesiredCapacity: true,
    }),
  );
  expect(Activity).toMatchObject({ AutoScalingGroupName: 'fleet-workers', StatusCode: 'InProgress' });
  expect(instance.state).toBe('Terminating:Wait');
  expect(instance.metadata.items.get('autoscaling/target-lifecycle-state')).toBe('Terminated');
  expect(started.cloud.group('fleet-workers').desiredCapacity).toBe(0);
});

test('an instance that nobody manages has no health to set', async () => {
  await using started = await startCloud();
  const command = new SetInstanceHealthCommand({ InstanceId: 'i-nobody', HealthStatus: 'Unhealthy' });
  await expect(started.autoScaling.send(command)).rejects.toMatchObject({
    name: 'ValidationError',
    message: expect.stringContaining('Instance Id not found'),
  });
});

test('a hook that nobody answers ends by its default', async () => {
  await using started = await startCloud({ timeScale: 10_000 });
  started.cloud.createGroup({ hooks });
  const instance = await started.cloud.launch();
  expect(await started.cloud.hookCompleted(instance, 'boot')).toMatchObject({ result: 'ABANDON', by: 'timeout' });
  expect(await started.cloud.hookCompleted(instance, 'drain')).toMatchObject({ result: 'CONTINUE', by: 'timeout' });
  await started.cloud.stateReached(instance, 'Terminated');
});

test('an instance goes through the warm pool and back', async () => {
  await using started = await startCloud();
  started.cloud.createGroup();
  const instance = await started.cloud.launch({ to: 'Warmed:Stopped' });
  const seen = () => [instance.state, instance.metadata.items.get('autoscaling/target-lifecycle-state')];
  expect(seen()).toEqual(['Warmed:Stopped', 'Warmed:Stopped']);
  started.cloud.takeFromWarmPool(instance);
  expect(seen()).toEqual(['InService', 'InService']);
  started.cloud.returnToWarmPool(instance);
  expect(seen()).toEqual(['Warmed:Stopped', 'Warmed:Stopped']);
  started.cloud.terminate(instance);
  expect(seen()).toEqual(['Terminated', 'Warmed:Terminated']);
});

test('Spot takes an instance at its time and waits for no hook', async () => {
  await using started = await startCloud();
  started.cloud.createGroup({ hooks: [hooks[1]] });
  const instance = await started.cloud.launch();
  started.cloud.interruptSpot(instance, 50);
  await started.cloud.stateReached(instance, 'Terminated');
  expect(instance.outcomes).toEqual([]);
});
