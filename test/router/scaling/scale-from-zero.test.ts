import { SetDesiredCapacityCommand } from '@aws-sdk/client-auto-scaling';
import { autoScalingGroup, type WorkerGroup } from '../../../runtime/router/scaling/worker-group.ts';
import { realClock } from '../../../runtime/shared/clock.ts';
import { FakeCloud, throttled } from '../../support/cloud/fake-cloud.ts';
import { until } from '../../support/poll.ts';
import { groupName, StartedScaler } from './started-scaler.ts';

let cloud: FakeCloud;
beforeEach(async () => {
  cloud = await FakeCloud.start();
});
afterEach(() => cloud[Symbol.asyncDispose]());

const desired = () => cloud.group(groupName).desiredCapacity;
const raises = () => cloud.callsOf('SetDesiredCapacity').length;

test('requests that are held raise an empty group, once, and that is one line in the log', async () => {
  cloud.createGroup({ maxSize: 4, cooldownSeconds: 300 });
  await using router = await StartedScaler.start(cloud);
  router.hold(3);
  // The cool-down is over when the group is read again.
  await until('the group was left as it is', () => router.linesOf('info').length === 2);
  expect(desired()).toBe(1);
  expect(cloud.callsOf('SetDesiredCapacity').map(({ parameters }) => parameters)).toEqual([
    expect.objectContaining({ AutoScalingGroupName: groupName, DesiredCapacity: '1', HonorCooldown: 'false' }),
  ]);
  expect(router.outcomes).toEqual(['raised']);
  expect(router.linesOf('info')).toMatchObject([
    { msg: 'worker group raised from zero', group: groupName, desired: 0, to: 1, max: 4, heldRequests: 3 },
    { msg: 'worker group left as it is', decision: 'already-wanted', desired: 1 },
  ]);
});

test('a request that was held and left again between two looks counts', async () => {
  cloud.createGroup();
  // At this speed the jitter is longer than a look, and the memory of the request longer than any hiccup.
  await using router = await StartedScaler.start(cloud, { clock: realClock(10), timeScale: 10, random: () => 0.5 });
  router.held.entered++;
  await until('the group was raised', () => desired() === 1);
});

test('a router that holds nothing, or has a ready worker, asks AWS nothing', async () => {
  cloud.createGroup();
  await using router = await StartedScaler.start(cloud, { random: () => 0 });
  await until('some decisions were taken', () => router.ticks > 10);
  router.readyWorkers = 1;
  router.hold(5);
  await until('some more were taken', () => router.ticks > 20);
  expect(cloud.calls).toEqual([]);
});

test('the group is never raised above its maximum', async () => {
  cloud.createGroup({ maxSize: 2 });
  await using router = await StartedScaler.start(cloud, { startWorkers: 5 });
  router.hold(1);
  await until('the group was raised', () => router.outcomes.length > 0);
  expect(desired()).toBe(2);
  await until('the group was left as it is', () => router.linesOf('info').length === 2);
  expect(router.linesOf('info')[1]).toMatchObject({ decision: 'maximum-reached' });
  expect(raises()).toBe(1);
});

test('two routers that read the group before either raised it leave it at the same number', async () => {
  cloud.createGroup();
  await using first = await StartedScaler.start(cloud);
  const meeting = Promise.withResolvers<void>();
  let readers = 0;
  /** Reads that only return when both routers have read. */
  const slowReader = (): WorkerGroup => {
    const group = autoScalingGroup(groupName, async () => first.client);
    return {
      ...group,
      async read(signal) {
        const size = await group.read(signal);
        if (++readers === 2) meeting.resolve();
        await meeting.promise;
        return size;
      },
    };
  };
  await using second = await StartedScaler.start(cloud, { group: slowReader() });
  await using third = await StartedScaler.start(cloud, { group: slowReader() });
  second.hold(1);
  third.hold(40);
  await until('both raised it', () => second.outcomes.length + third.outcomes.length === 2);
  expect(cloud.callsOf('SetDesiredCapacity').map(({ parameters }) => parameters['DesiredCapacity'])).toEqual([
    '1',
    '1',
  ]);
  expect(desired()).toBe(1);
  first.hold(1);
  await until('a third found it done', () => first.linesOf('info').length === 1);
  expect(first.linesOf('info')).toMatchObject([{ decision: 'already-wanted' }]);
  expect(raises()).toBe(2);
});

test('throttled, it tries again, less and less often, with one warning', async () => {
  cloud.createGroup();
  cloud.failNext([throttled, throttled], 'DescribeAutoScalingGroups');
  cloud.failNext([throttled, throttled], 'SetDesiredCapacity');
  await using router = await StartedScaler.start(cloud, { random: () => 0 });
  router.hold(1);
  await until('the group was raised', () => desired() === 1);
  await until('it knows', () => router.outcomes.includes('raised'));
  expect(router.outcomes).toEqual(['failed', 'failed', 'raised']);
  expect(router.linesOf('warn')).toMatchObject([{ detail: expect.stringContaining('Rate exceeded') }]);
  const failures = router.logged.filter(({ level }) => level === 'warn' || level === 'debug');
  expect(failures.map(({ waitMs }) => waitMs)).toEqual([1_000, 2_000, 4_000, 8_000]);
});

test('an outage of AWS is survived as long as requests are held', async () => {
  cloud.createGroup();
  cloud.setDown(true);
  await using router = await StartedScaler.start(cloud, { random: () => 0 });
  router.hold(1);
  await until('it failed several times', () => router.logged.length >= 3);
  cloud.setDown(false);
  await until('the group was raised', () => desired() === 1);
  expect(router.linesOf('warn')).toHaveLength(1);
});

test('a raise whose answer was lost is not made twice', async () => {
  cloud.createGroup();
  await using helper = await StartedScaler.start(cloud);
  const group = autoScalingGroup(groupName, async () => helper.client);
  const lossy: WorkerGroup = {
    ...group,
    async setDesired(instances, signal) {
      await group.setDesired(instances, signal);
      throw new Error('socket hang up');
    },
  };
  await using router = await StartedScaler.start(cloud, { group: lossy, random: () => 0 });
  router.hold(1);
  await until('it found the group raised', () => router.linesOf('info').length === 1);
  expect(router.linesOf('info')).toMatchObject([{ decision: 'already-wanted', desired: 1 }]);
  expect(raises()).toBe(1);
});

test('a group that somebody lowers again is raised again, after the cool-down', async () => {
  cloud.createGroup();
  await using router = await StartedScaler.start(cloud);
  router.hold(1);
  await until('the group was raised', () => router.outcomes.length === 1);
  const atMs = cloud.callsOf('SetDesiredCapacity')[0]!.atMs;
  await router.client.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: groupName, DesiredCapacity: 0 }));
  await until('it was raised again', () => router.outcomes.length === 2);
  expect(desired()).toBe(1);
  // 120 s at a hundred times their speed; the clocks differ by what a call takes.
  expect(cloud.callsOf('SetDesiredCapacity').at(-1)!.atMs - atMs).toBeGreaterThan(1_100);
});

test('instances that leave or wait in the warm pool do not keep a group from being raised', async () => {
  const hooks = [{ name: 'drain', transition: 'terminating' as const }];
  cloud.createGroup({ hooks });
  cloud.terminate(await cloud.launch());
  await cloud.launch({ to: 'Warmed:Stopped' });
  await using router = await StartedScaler.start(cloud, { startWorkers: 2 });
  await router.client.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: groupName, DesiredCapacity: 1 }));
  router.hold(1);
  await until('the group was raised', () => desired() === 2);
  expect(router.linesOf('info')).toMatchObject([{ desired: 1, instances: 0, to: 2 }]);
});

test('a group that does not exist is a warning with advice, and is used as soon as it does', async () => {
  await using router = await StartedScaler.start(cloud, { random: () => 0 });
  router.hold(1);
  await until('it warned', () => router.linesOf('warn').length === 1);
  expect(router.linesOf('warn')[0]!['detail']).toMatch(/no Auto Scaling group "fleet-workers".*--asg/);
  cloud.createGroup();
  await until('the group was raised', () => desired() === 1);
});

test('clients are told to come back when the first worker is expected, and that is learned', async () => {
  cloud.createGroup();
  await using router = await StartedScaler.start(cloud);
  expect(router.scaler.retryAfterSeconds()).toBe(5);
  router.hold(1);
  await until('the group was raised', () => router.outcomes.length === 1);
  expect(router.scaler.retryAfterSeconds()).toBe(55);
  router.readyWorkers = 1;
  await until('the start is over', () => router.scaler.retryAfterSeconds() === 5);
  router.readyWorkers = 0;
  await router.client.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: groupName, DesiredCapacity: 0 }));
  await until('it was raised again', () => router.outcomes.length === 2);
  // The first start took a few seconds on this clock, not the three minutes that were expected.
  expect(router.scaler.retryAfterSeconds()).toBeLessThan(55);
});
