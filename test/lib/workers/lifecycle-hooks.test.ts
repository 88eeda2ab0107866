import { lifecycleHooks } from '../../../lib/workers/lifecycle-hooks.ts';
import { optionOf, workerStack } from '../../support/worker-stack.ts';

interface Hook {
  readonly LifecycleHookName: string;
  readonly LifecycleTransition: string;
  readonly HeartbeatTimeout: number;
  readonly DefaultResult: string;
}

const slow = workerStack({ startMinutes: 90, drainSeconds: 1_800 });
const hooks = slow.propertiesOf('AutoScaling::AutoScalingGroup')['LifecycleHookSpecificationList'] as Hook[];
const launch = hooks.find((hook) => hook.LifecycleTransition === 'autoscaling:EC2_INSTANCE_LAUNCHING')!;
const terminate = hooks.find((hook) => hook.LifecycleTransition === 'autoscaling:EC2_INSTANCE_TERMINATING')!;

// A hook that is a resource of its own comes after the group and misses its first machines.
test('the group is made with its hooks', () => {
  slow.template.resourceCountIs('AWS::AutoScaling::LifecycleHook', 0);
  expect(hooks).toHaveLength(2);
});

test('a machine that does not serve in time is given up', () => {
  expect(launch).toMatchObject({ HeartbeatTimeout: 90 * 60, DefaultResult: 'ABANDON' });
  expect(optionOf(slow.runnerUnit, '--startup-max-seconds')).toBe(String(90 * 60));
});

test('a machine whose runner is silent leaves when its time is over', () => {
  expect(terminate.DefaultResult).toBe('CONTINUE');
});

test('the terminate hook outlasts the daemon, and the daemon its drain', () => {
  const drain = Number(optionOf(slow.runnerUnit, '--drain-seconds'));
  const stop = Number(/^TimeoutStopSec=(\d+)$/m.exec(slow.runnerUnit)?.[1]);
  expect(drain).toBe(1_800);
  expect(stop).toBeGreaterThan(drain);
  expect(terminate.HeartbeatTimeout).toBeGreaterThan(stop);
});

test('the runner knows the hooks by their names and heartbeats within the shorter one', () => {
  expect(optionOf(slow.runnerUnit, '--launch-hook')).toBe(launch.LifecycleHookName);
  expect(optionOf(slow.runnerUnit, '--terminate-hook')).toBe(terminate.LifecycleHookName);
  expect(Number(optionOf(slow.runnerUnit, '--hook-timeout-seconds'))).toBe(
    Math.min(launch.HeartbeatTimeout, terminate.HeartbeatTimeout),
  );
});

// EC2 Auto Scaling: 30 s to two hours.
test.each([
  { startMinutes: 5, drainSeconds: 0 },
  { startMinutes: 120, drainSeconds: 7_000 },
])('the time-outs are what AWS takes for %o', (budgets) => {
  for (const { heartbeatTimeout } of lifecycleHooks(budgets)) {
    expect(heartbeatTimeout).toBeGreaterThanOrEqual(30);
    expect(heartbeatTimeout).toBeLessThanOrEqual(7_200);
  }
});
