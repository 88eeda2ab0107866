import { Match, type Template } from 'aws-cdk-lib/assertions';
import { balanced, devFleet } from '../support/dev-fleet.ts';
import { bootTextOf, devConfig, fleetTemplates } from '../support/fleet-templates.ts';

const single = fleetTemplates(devFleet({}));
const several = fleetTemplates(devFleet({ routers: { ...balanced('network'), count: 3 } }));
const stackOf = (templates: Record<string, Template>) => templates['router']!;

/** The router's unit, with what the boot script adds to its environment. */
function unitOf(template: Template) {
  const script = bootTextOf(template);
  const [unit] = /^cat >\/etc\/systemd\/system\/fleet-router\.service.*?^EOF$/ms.exec(script)!;
  const words = /^ExecStart=(.*)$/m.exec(unit)![1]!;
  const environment = Object.fromEntries(
    [...script.matchAll(/^Environment="?(\w+)=(.*?)"?$/gm)].map(([, name, value]) => [name!, value!]),
  );
  const option = (name: string) => new RegExp(` --${name} (\\S+)`).exec(words)?.[1];
  return { unit, words, environment, option };
}

test('a router with the embedded store is alone, also while it is replaced, and in the zone of its disk', () => {
  stackOf(single).hasResource('AWS::AutoScaling::AutoScalingGroup', {
    Properties: { MinSize: '1', MaxSize: '1', VPCZoneIdentifier: [Match.anyValue()] },
    UpdatePolicy: {
      AutoScalingInstanceRefresh: { Preferences: { MinHealthyPercentage: 0, MaxHealthyPercentage: 100 } },
    },
  });
  const [group] = Object.values(stackOf(single).findResources('AWS::AutoScaling::AutoScalingGroup'));
  expect(JSON.stringify(group!['Properties'].VPCZoneIdentifier)).toContain('PrivateSubnet1');
  single['state']!.hasResourceProperties('AWS::EC2::Volume', { AvailabilityZone: 'us-east-1a' });
});

test('of several routers the next one serves before the last one ends, one at a time', () => {
  stackOf(several).hasResource('AWS::AutoScaling::AutoScalingGroup', {
    Properties: { MinSize: '3', MaxSize: '4', VPCZoneIdentifier: [Match.anyValue(), Match.anyValue()] },
    UpdatePolicy: {
      AutoScalingInstanceRefresh: { Preferences: { MinHealthyPercentage: 100, MaxHealthyPercentage: 134 } },
    },
  });
});

test('a router that the group ends finishes its answers first, and nobody waits for less than that takes', () => {
  const { option, unit } = unitOf(stackOf(single));
  const drainSeconds = Number(option('drain-seconds'));
  const stopSeconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)![1]);
  expect(stopSeconds).toBeGreaterThan(drainSeconds);
  const [hook] = Object.values(stackOf(single).findResources('AWS::AutoScaling::LifecycleHook'));
  const { HeartbeatTimeout, ...rest } = hook!['Properties'];
  expect(rest).toMatchObject({
    LifecycleHookName: 'fleet-terminate',
    LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
    DefaultResult: 'CONTINUE',
  });
  const noticeSeconds = Number(
    /leave-group\.sh fleet-router sglang-dev-router fleet-terminate (\d+)$/m.exec(bootTextOf(stackOf(single)))![1],
  );
  expect(HeartbeatTimeout).toBeGreaterThan(noticeSeconds + stopSeconds);
});

test('the longest drain that the config takes fits into a hook', () => {
  const longest = fleetTemplates(devFleet({ routers: { drainSeconds: 3_600 } }));
  const [hook] = Object.values(stackOf(longest).findResources('AWS::AutoScaling::LifecycleHook'));
  expect(hook!['Properties'].HeartbeatTimeout).toBeLessThanOrEqual(7_200);
});

test('a router that waits for the disk of the last one is not taken for ill', () => {
  const behind = fleetTemplates(devFleet({ routers: { loadBalancer: { kind: 'network' } } }));
  const [group] = Object.values(stackOf(behind).findResources('AWS::AutoScaling::AutoScalingGroup'));
  const [hook] = Object.values(stackOf(behind).findResources('AWS::AutoScaling::LifecycleHook'));
  expect(group!['Properties'].HealthCheckGracePeriod).toBeGreaterThan(hook!['Properties'].HeartbeatTimeout);
});

test('routers find the workers of every group, with the model that clients ask for', () => {
  const dev = devConfig();
  const [small] = dev.workers;
  const named = { ...small!.sglang, flags: { 'served-model-name': 'tiny' } };
  const workers = [small!, { ...small!, name: 'other', sglang: named }];
  const { words } = unitOf(stackOf(fleetTemplates({ ...dev, workers })));
  expect(words).toContain('--asg sglang-dev-workers-small=Qwen/Qwen3-0.6B --asg sglang-dev-workers-other=tiny');
});

test('the admin port is apart from that of clients', () => {
  const { option } = unitOf(stackOf(single));
  expect([option('port'), option('admin-port')]).toEqual(['8000', '8001']);
});

test('waits and idle times of the config reach the router', () => {
  const fleet = devFleet({ routers: { holdSeconds: 123, sessionIdleMinutes: 7, drainSeconds: 45 } });
  const { option } = unitOf(stackOf(fleetTemplates(fleet)));
  expect(['hold-seconds', 'session-idle-seconds', 'drain-seconds'].map(option)).toEqual(['123', '420', '45']);
});

test('the router writes its metrics where the CloudWatch agent collects them', () => {
  const { option } = unitOf(stackOf(single));
  expect([option('publish'), option('emf-file')]).toEqual(['mixed', '/var/log/fleet/metrics.emf']);
});

test('the embedded store is on the disk that outlives the router, which starts with it and not without', () => {
  const { option, unit } = unitOf(stackOf(single));
  expect(bootTextOf(stackOf(single))).toMatch(
    /^bash \/opt\/fleet\/mount-store\.sh \S*StateStoreVolume\S* \/var\/lib\/fleet\/router fleet$/m,
  );
  expect(option('data-dir')).toBe('/var/lib/fleet/router');
  expect(unit).toContain('\nRequiresMountsFor=/var/lib/fleet/router\n');
});

test('routers with a database are told where it is, to check who it is, and where its password is', () => {
  const { environment, unit } = unitOf(stackOf(several));
  expect(environment['FLEET_DATABASE_URL']).toMatch(
    /^postgres:\/\/fleet@\S+\/fleet\?sslmode=verify-full&sslrootcert=\/opt\/fleet\/database-authority\.pem$/,
  );
  expect(environment['FLEET_DATABASE_SECRET']).toContain('MasterUserSecret');
  expect(bootTextOf(stackOf(several))).toMatch(/^fetch \S+ \/opt\/fleet\/database-authority\.pem [0-9a-f]{64}$/m);
  expect(unit).not.toContain('RequiresMountsFor');
});

test('the upstream router is installed, pinned, and told the policy by its own name', () => {
  const fleet = devFleet({ routers: { engine: 'sglang-router', policy: 'power-of-two' } });
  const template = stackOf(fleetTemplates(fleet));
  const { words, option } = unitOf(template);
  expect(option('router-engine')).toBe('sglang-router');
  expect(words).toContain('--sglang-router-arguments "--policy power_of_two"');
  expect(words).not.toMatch(/ --policy (?!power_of_two")/);
  expect(bootTextOf(template)).toMatch(/pip install .*sglang-router==\d+\.\d+\.\d+$/m);
});
