import { LazyAutoScaling } from '../../../runtime/runner/lifecycle/auto-scaling-client.ts';
import { AutoScalingMembership } from '../../../runtime/runner/lifecycle/auto-scaling-membership.ts';
import { GroupName } from '../../../runtime/runner/lifecycle/group-name.ts';
import { InstanceMetadata } from '../../../runtime/shared/imds.ts';
import { FakeCloud, throttled } from '../../support/cloud/fake-cloud.ts';
import { onInstance } from '../../support/cloud/on-instance.ts';
import type { HookOptions } from '../../support/cloud/story.ts';
import { until } from '../../support/poll.ts';

const boot: HookOptions = { name: 'boot', transition: 'launching' };
const drain: HookOptions = { name: 'drain', transition: 'terminating' };

interface MemberOptions {
  readonly hooks?: readonly HookOptions[];
  readonly timeScale?: number;
  readonly callLimitMs?: number;
  readonly requestTimeoutMs?: number;
}

/** A group of one instance, and that instance's own way to it with the real SDK. */
async function startMember(options: MemberOptions = {}) {
  const { hooks = [], timeScale = 1, callLimitMs = 20_000, requestTimeoutMs = 5_000 } = options;
  const cloud = await FakeCloud.start({ timeScale });
  cloud.createGroup({ hooks });
  const instance = await cloud.launch();
  const environment = onInstance(instance);
  const { instanceId } = instance;
  const metadata = new InstanceMetadata(instance.metadata);
  const autoScaling = new LazyAutoScaling({ region: 'us-east-1', requestTimeoutMs });
  const groupName = new GroupName({ groupName: undefined, instanceId, metadata, autoScaling });
  return {
    ...{ cloud, instance },
    group: new AutoScalingMembership({ instanceId, groupName, autoScaling, callLimitMs }),
    async [Symbol.asyncDispose]() {
      autoScaling.close();
      environment[Symbol.dispose]();
      await cloud[Symbol.asyncDispose]();
    },
  };
}

describe('a lifecycle action', () => {
  test('is completed by the id of the instance, which goes into service', async () => {
    await using member = await startMember({ hooks: [boot] });
    expect(member.instance.state).toBe('Pending:Wait');
    expect(await member.group.completeLifecycleAction('boot', 'CONTINUE')).toBe(true);
    expect(member.instance.state).toBe('InService');
    expect(member.cloud.callsOf('CompleteLifecycleAction').map((call) => call.parameters)).toEqual([
      {
        Action: 'CompleteLifecycleAction',
        Version: '2011-01-01',
        AutoScalingGroupName: 'fleet-workers',
        LifecycleHookName: 'boot',
        InstanceId: member.instance.instanceId,
        LifecycleActionResult: 'CONTINUE',
      },
    ]);
  });

  test('that is abandoned ends the launch, and the terminate hook has its turn', async () => {
    await using member = await startMember({ hooks: [boot, drain] });
    expect(await member.group.completeLifecycleAction('boot', 'ABANDON')).toBe(true);
    expect(member.instance.state).toBe('Terminating:Wait');
    expect(await member.group.completeLifecycleAction('drain', 'CONTINUE')).toBe(true);
    expect(member.instance.state).toBe('Terminated');
  });

  test('that is not open is false: never, no longer, or of no such hook', async () => {
    await using member = await startMember({ hooks: [boot, drain] });
    expect(await member.group.completeLifecycleAction('drain', 'CONTINUE')).toBe(false);
    expect(await member.group.completeLifecycleAction('boot', 'CONTINUE')).toBe(true);
    expect(await member.group.completeLifecycleAction('boot', 'CONTINUE')).toBe(false);
    expect(await member.group.completeLifecycleAction('nonsense', 'CONTINUE')).toBe(false);
    expect(await member.group.recordHeartbeat('boot')).toBe(false);
  });

  test('that timed out is false', async () => {
    await using member = await startMember({ hooks: [{ ...boot, heartbeatTimeoutSeconds: 30 }], timeScale: 1_000 });
    expect(await member.cloud.hookCompleted(member.instance)).toMatchObject({ by: 'timeout', result: 'ABANDON' });
    expect(await member.group.completeLifecycleAction('boot', 'CONTINUE')).toBe(false);
  });

  test('takes heartbeats while it is open', async () => {
    await using member = await startMember({ hooks: [drain] });
    member.cloud.terminate(member.instance);
    expect(await member.group.recordHeartbeat('drain')).toBe(true);
    expect(await member.group.recordHeartbeat('drain')).toBe(true);
    expect(await member.group.completeLifecycleAction('drain', 'CONTINUE')).toBe(true);
    expect(await member.cloud.hookCompleted(member.instance, 'drain')).toMatchObject({ heartbeats: 2, by: 'call' });
  });
});

test('an unhealthy instance is replaced without a period of grace', async () => {
  await using member = await startMember({ hooks: [drain] });
  await member.group.setUnhealthy();
  await member.group.setUnhealthy();
  expect(member.instance.healthStatus).toBe('Unhealthy');
  expect(member.cloud.callsOf('SetInstanceHealth')[0]?.parameters['ShouldRespectGracePeriod']).toBe('false');
  await member.cloud.stateReached(member.instance, 'Terminating:Wait');
});

describe('scale-in protection', () => {
  test('is set and taken away, as often as one likes', async () => {
    await using member = await startMember();
    for (const isProtected of [true, true, false, false]) {
      await member.group.setScaleInProtection(isProtected);
      expect(member.instance.isProtectedFromScaleIn).toBe(isProtected);
    }
  });

  test('is nothing to lose for an instance that leaves, and nothing to gain', async () => {
    await using member = await startMember({ hooks: [drain] });
    member.cloud.terminate(member.instance);
    await member.group.setScaleInProtection(false);
    await expect(member.group.setScaleInProtection(true)).rejects.toMatchObject({
      code: 'AWS_CALL_REFUSED',
      message: expect.stringContaining('is not in InService'),
    });
  });
});

describe('when AWS fails', () => {
  test('a throttled call is made again', async () => {
    await using member = await startMember({ hooks: [boot] });
    member.cloud.failNext([throttled, throttled]);
    expect(await member.group.completeLifecycleAction('boot', 'CONTINUE')).toBe(true);
    expect(member.cloud.callsOf('CompleteLifecycleAction').map((call) => call.status)).toEqual([400, 400, 200]);
  });

  test('a call that is throttled to the end says so', async () => {
    await using member = await startMember();
    member.cloud.failNext(Array.from({ length: 10 }, () => throttled));
    await expect(member.group.setUnhealthy()).rejects.toMatchObject({
      code: 'AWS_THROTTLED',
      message: 'AWS throttles SetInstanceHealth on fleet-workers. (Throttling: Rate exceeded)',
    });
  });

  test('a call is made again after a 503', async () => {
    await using member = await startMember();
    member.cloud.failNext([{ status: 503, code: 'ServiceUnavailable', message: 'Try again' }]);
    await member.group.setScaleInProtection(true);
    expect(member.instance.isProtectedFromScaleIn).toBe(true);
  });

  test('a call that reaches nobody says so after its attempts, and the next one works', async () => {
    await using member = await startMember({ hooks: [boot] });
    member.cloud.setDown(true);
    await expect(member.group.completeLifecycleAction('boot', 'CONTINUE')).rejects.toMatchObject({
      code: 'AWS_UNREACHABLE',
      message: expect.stringContaining('ECONNRESET'),
    });
    expect(member.cloud.calls).toHaveLength(4);
    member.cloud.setDown(false);
    expect(await member.group.completeLifecycleAction('boot', 'CONTINUE')).toBe(true);
  });

  test('an attempt that nobody answers is given up for another', async () => {
    await using member = await startMember({ hooks: [boot], requestTimeoutMs: 200 });
    member.cloud.setDown(true, 'hang');
    const completing = member.group.completeLifecycleAction('boot', 'CONTINUE');
    await until('the first attempt was made', () => member.cloud.calls.length > 0);
    member.cloud.setDown(false);
    expect(await completing).toBe(true);
  });

  test('a call that nobody answers ends at its limit', async () => {
    await using member = await startMember({ callLimitMs: 300 });
    member.cloud.setDown(true, 'hang');
    await expect(member.group.setUnhealthy()).rejects.toMatchObject({ code: 'AWS_UNREACHABLE' });
  });

  test('the caller ends a call with a reason of its own', async () => {
    await using member = await startMember();
    member.cloud.setDown(true, 'hang');
    await expect(member.group.setUnhealthy(AbortSignal.timeout(200))).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(member.group.setUnhealthy(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });

  test.each([3_600_000, -3_600_000])('a clock that is %d ms off is put right by the first refusal', async (offMs) => {
    await using member = await startMember({ hooks: [boot] });
    member.cloud.apiClockAheadMs = offMs;
    expect(await member.group.completeLifecycleAction('boot', 'CONTINUE')).toBe(true);
    expect(member.cloud.callsOf('CompleteLifecycleAction').map((call) => call.status)).toEqual([403, 200]);
  });
});

describe('with the wrong credentials', () => {
  test('a refused key is named as the reason', async () => {
    await using member = await startMember();
    member.cloud.rejectCredentials();
    await expect(member.group.setUnhealthy()).rejects.toMatchObject({
      code: 'AWS_CREDENTIALS_REFUSED',
      message: expect.stringMatching(
        /no credentials that AWS takes for SetInstanceHealth on fleet-workers\. .*InvalidClientTokenId: The security token/,
      ),
    });
  });

  test('none at all is named as the reason', async () => {
    await using member = await startMember();
    member.instance.metadata.items.delete('iam/security-credentials/');
    await expect(member.group.setUnhealthy()).rejects.toMatchObject({
      code: 'AWS_CREDENTIALS_REFUSED',
      message: expect.stringContaining('CredentialsProviderError'),
    });
    expect(member.cloud.calls).toEqual([]);
  });

  test('a role that may not do it learns what to allow', async () => {
    await using member = await startMember();
    const message =
      'User: arn:aws:sts::1:assumed-role/w/i-1 is not authorized to perform: autoscaling:SetInstanceHealth';
    member.cloud.failNext([{ status: 403, code: 'AccessDenied', message }]);
    await expect(member.group.setUnhealthy()).rejects.toMatchObject({
      code: 'AWS_ACCESS_DENIED',
      message: expect.stringContaining('AWS does not allow autoscaling:SetInstanceHealth on fleet-workers.'),
    });
  });

  test('a refused signature is told without what AWS echoes of the request', async () => {
    await using member = await startMember();
    const message =
      'The request signature we calculated does not match the signature you provided. The Canonical String was\n' +
      "'POST\n/\n\nhost:autoscaling\nx-amz-security-token:fake-session-token\n'";
    member.cloud.failNext([{ status: 403, code: 'SignatureDoesNotMatch', message }]);
    const error = (await member.group.setUnhealthy().catch((e: unknown) => e)) as Error;
    expect(error.message).toContain('SignatureDoesNotMatch: The request signature we calculated does not match');
    expect(`${error.message}${error.stack}${String(error.cause)}`).not.toContain('fake-session-token');
  });
});
