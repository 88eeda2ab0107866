import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { openMachine } from '../../../runtime/runner/lifecycle/ec2-machine.ts';
import type { MachineNotice } from '../../../runtime/runner/lifecycle/machine.ts';
import { FakeCloud } from '../../support/cloud/fake-cloud.ts';
import { onInstance } from '../../support/cloud/on-instance.ts';
import type { CloudInstance, GroupOptions, LaunchOptions } from '../../support/cloud/story.ts';
import { keptLog } from '../../support/log-lines.ts';
import { until } from '../../support/poll.ts';
import { unusedUrl } from '../../support/scripted-openai-server.ts';

const root = path.resolve(import.meta.dirname, '../../..');

/** A machine as a runner on that instance opens it. */
async function openOn(instance: CloudInstance, options: { groupName?: string; instanceId?: string } = {}) {
  const environment = onInstance(instance);
  const logged = keptLog();
  const machine = await openMachine({ ...options, timeScale: 50, log: logged.log });
  return {
    ...{ machine: machine!, logged },
    [Symbol.dispose]() {
      machine?.close();
      environment[Symbol.dispose]();
    },
  };
}

async function startCloud(group: GroupOptions = {}, launch: LaunchOptions = {}) {
  const cloud = await FakeCloud.start();
  cloud.createGroup(group);
  const instance = await cloud.launch(launch);
  return { cloud, instance, [Symbol.asyncDispose]: () => cloud[Symbol.asyncDispose]() };
}

/** Whether a process that starts its machine loads the AWS SDK, which it is given time for. */
async function loadedOn(environment: Readonly<Record<string, string>>): Promise<string> {
  const program = `
    import { createRequire } from 'node:module';
    import { setTimeout as delay } from 'node:timers/promises';
    const { openMachine } = await import('./runtime/runner/lifecycle/ec2-machine.ts');
    const { keptLog } = await import('./test/support/log-lines.ts');
    const machine = await openMachine({ timeScale: 1, log: keptLog().log });
    machine?.start();
    const files = () => Object.keys(createRequire(process.cwd() + '/').cache);
    const isLoaded = () => files().some((file) => file.includes('@aws-sdk/client-auto-scaling'));
    for (let i = 0; machine && !isLoaded() && i < 1_000; i++) await delay(20);
    console.log(machine ? 'a machine,' : 'no machine,', isLoaded() ? 'SDK loaded' : 'SDK not loaded');
    machine?.close();`;
  const env = { PATH: process.env['PATH'], ...environment };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    cwd: root,
    env,
  });
  return stdout.trim();
}

describe('off AWS', () => {
  test('there is no machine, whatever id is given', async () => {
    const { log, lines } = keptLog();
    const endpoint = await unusedUrl();
    expect(await openMachine({ endpoint, timeScale: 1, log })).toBeUndefined();
    expect(await openMachine({ endpoint, instanceId: 'i-1', groupName: 'g', timeScale: 1, log })).toBeUndefined();
    expect(lines).toEqual([]);
  });

  test('the AWS SDK is not loaded', async () => {
    expect(await loadedOn({ AWS_EC2_METADATA_DISABLED: 'true' })).toBe('no machine, SDK not loaded');
  });

  test('something else that answers at the address is no machine', async () => {
    await using started = await startCloud();
    started.instance.metadata.faults.set('', 'garbage');
    using opened = await openOn(started.instance);
    expect(opened.machine).toBeUndefined();
  });
});

test('the AWS SDK is loaded before an instance has to be let go', async () => {
  await using started = await startCloud();
  expect(await loadedOn(started.instance.environment)).toBe('a machine, SDK loaded');
  expect(started.cloud.calls).toEqual([]);
});

describe('the name of the group', () => {
  test('is the one that is given', async () => {
    await using started = await startCloud();
    using opened = await openOn(started.instance, { groupName: 'given' });
    expect(opened.machine.groupName).toBe('given');
    expect(opened.machine.instanceId).toBe(started.instance.instanceId);
    expect(started.cloud.calls).toEqual([]);
  });

  test('is read from the tag in the metadata, without a call', async () => {
    await using started = await startCloud({ name: 'fleet-eu' });
    using opened = await openOn(started.instance);
    expect(opened.machine.groupName).toBe('fleet-eu');
    expect(started.cloud.calls).toEqual([]);
  });

  test('is asked of Auto Scaling when the metadata has no tags', async () => {
    await using started = await startCloud({ name: 'fleet-eu' }, { hasTagsInMetadata: false });
    using opened = await openOn(started.instance);
    expect(opened.machine.groupName).toBe('fleet-eu');
    expect(started.cloud.callsOf('DescribeAutoScalingInstances')).toHaveLength(1);
  });

  test('is asked of nobody on an instance that stands alone, and its calls do nothing', async () => {
    await using started = await startCloud({}, { group: null });
    using opened = await openOn(started.instance);
    const { group, groupName } = opened.machine;
    expect(groupName).toBeUndefined();
    expect(await group.completeLifecycleAction('drain', 'CONTINUE')).toBe(false);
    expect(await group.recordHeartbeat('drain')).toBe(false);
    await group.setUnhealthy();
    await group.setScaleInProtection(true);
    expect(started.cloud.calls).toEqual([]);
  });

  test('is found later when Auto Scaling was not reached at first', async () => {
    const hooks = [{ name: 'boot', transition: 'launching' as const }];
    await using started = await startCloud({ hooks }, { hasTagsInMetadata: false });
    started.cloud.setDown(true);
    using opened = await openOn(started.instance);
    expect(opened.machine.groupName).toBeUndefined();
    expect(opened.logged.of('name of the Auto Scaling group not found yet')).toHaveLength(1);
    started.cloud.setDown(false);
    expect(await opened.machine.group.completeLifecycleAction('boot', 'CONTINUE')).toBe(true);
    expect(opened.machine.groupName).toBe('fleet-workers');
  });
});

describe('the target state', () => {
  test('is what the group wants', async () => {
    await using started = await startCloud({}, { to: 'Warmed:Stopped' });
    using opened = await openOn(started.instance);
    expect(await opened.machine.readTargetState()).toBe('Warmed:Stopped');
    started.cloud.takeFromWarmPool(started.instance);
    expect(await opened.machine.readTargetState()).toBe('InService');
    started.cloud.terminate(started.instance);
    expect(await opened.machine.readTargetState()).toBe('Terminated');
  });

  test('is unknown when nothing says it, or nothing that is a state', async () => {
    await using started = await startCloud();
    using opened = await openOn(started.instance);
    const { items, faults } = started.instance.metadata;
    items.set('autoscaling/target-lifecycle-state', 'Confused');
    expect(await opened.machine.readTargetState()).toBeUndefined();
    items.delete('autoscaling/target-lifecycle-state');
    expect(await opened.machine.readTargetState()).toBeUndefined();
    faults.set('', 'reset');
    expect(await opened.machine.readTargetState()).toBeUndefined();
    expect(opened.logged.of('target state unreadable')).toHaveLength(1);
  });

  test('is not waited for past an abort', async () => {
    await using started = await startCloud();
    using opened = await openOn(started.instance);
    started.instance.metadata.faults.set('', 'silent');
    const ended = new AbortController();
    const reading = opened.machine.readTargetState(ended.signal);
    ended.abort(new Error('the runner ends'));
    await expect(reading).rejects.toThrow('the runner ends');
  });
});

test('listeners hear of a scale-in, a recommendation and an interruption', async () => {
  await using started = await startCloud();
  using opened = await openOn(started.instance);
  const heard: MachineNotice[] = [];
  opened.machine.onNotice((notice) => heard.push(notice));
  opened.machine.start();
  await until('the state was heard', () => heard.length === 1);
  started.cloud.recommendRebalance(started.instance);
  await until('the recommendation was heard', () => heard.length === 2);
  const atMs = Date.now() + 120_000;
  started.cloud.interruptSpot(started.instance, 120_000);
  await until('the interruption was heard', () => heard.length === 3);
  started.cloud.terminate(started.instance);
  await until('the scale-in was heard', () => heard.length === 4);
  expect(heard).toEqual([
    { kind: 'target-state', state: 'InService' },
    { kind: 'rebalance', atMs: expect.any(Number) },
    { kind: 'spot-interruption', action: 'terminate', atMs: expect.any(Number) },
    { kind: 'target-state', state: 'Terminated' },
  ]);
  expect(Math.abs((heard[2] as { atMs: number }).atMs - atMs)).toBeLessThan(10_000);
});

test('a machine whose clock is an hour behind knows how long it has', async () => {
  await using started = await startCloud();
  using opened = await openOn(started.instance);
  started.instance.metadata.clockAheadMs = 3_600_000;
  const heard: MachineNotice[] = [];
  opened.machine.onNotice((notice) => heard.push(notice));
  const atMs = Date.now() + 120_000;
  started.cloud.interruptSpot(started.instance, 120_000);
  opened.machine.start();
  await until('the interruption was heard', () => heard.length === 2);
  expect(Math.abs((heard[0] as { atMs: number }).atMs - atMs)).toBeLessThan(10_000);
});

test('no log has a token of the metadata service or the secrets of the role', async () => {
  await using started = await startCloud();
  started.cloud.rejectCredentials();
  using opened = await openOn(started.instance);
  opened.machine.start();
  const refused = await opened.machine.group.setUnhealthy().catch((error: unknown) => error);
  opened.logged.log.error('call refused', { error: refused });
  started.instance.metadata.faults.set('', 'error-500');
  await until('the log tells', () => opened.logged.of('instance metadata unreadable').length > 0);
  const text = opened.logged.lines.join('\n');
  for (const secret of [...started.instance.metadata.tokens, 'fake-secret-access-key', 'fake-session-token']) {
    expect(text).not.toContain(secret);
  }
});
