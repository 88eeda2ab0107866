import { workerConfig, workerStack } from '../../support/worker-stack.ts';

const stack = workerStack({ min: 1, max: 4 });
const group = stack.propertiesOf('AutoScaling::AutoScalingGroup');

test('a deployment leaves the size of the group alone, between its bounds', () => {
  expect(group).not.toHaveProperty('DesiredCapacity');
  expect(group).toMatchObject({ MinSize: '1', MaxSize: '4' });
});

test('machines are replaced as the config allows, in deployments and whoever else replaces them', () => {
  const updates = { minHealthyPercent: 50, maxHealthyPercent: 110 };
  const { template, propertiesOf } = workerStack({ updates });
  const limits = { MinHealthyPercentage: 50, MaxHealthyPercentage: 110 };
  template.hasResource('AWS::AutoScaling::AutoScalingGroup', {
    UpdatePolicy: { AutoScalingInstanceRefresh: { Strategy: 'Rolling', Preferences: limits } },
  });
  expect(propertiesOf('AutoScaling::AutoScalingGroup')['InstanceMaintenancePolicy']).toEqual(limits);
});

test('one long job does not fail a deployment, and a machine that was put aside is left there', () => {
  stack.template.hasResource('AWS::AutoScaling::AutoScalingGroup', {
    UpdatePolicy: {
      AutoScalingInstanceRefresh: {
        Preferences: { ScaleInProtectedInstances: 'Refresh', StandbyInstances: 'Ignore', SkipMatching: true },
      },
    },
  });
});

test('new machines count as warm soon after their first generation', () => {
  expect(group['DefaultInstanceWarmup']).toBe(60);
});

test('old versions go first, and caches last', () => {
  expect(group['TerminationPolicies']).toEqual(['OldestLaunchTemplate', 'AllocationStrategy', 'NewestInstance']);
});

test('a zone that is sold out does not keep the group from growing', () => {
  expect(group['AvailabilityZoneDistribution']).toEqual({ CapacityDistributionStrategy: 'balanced-best-effort' });
});

test('there is no warm pool unless the config wants one', () => {
  stack.template.resourceCountIs('AWS::AutoScaling::WarmPool', 0);
});

test('a warm pool keeps as many stopped machines as the config says, however large the group is', () => {
  const { propertiesOf } = workerStack({ warmPool: { size: 3, reuseOnScaleIn: false } });
  expect(propertiesOf('AutoScaling::WarmPool')).toMatchObject({
    PoolState: 'Stopped',
    MinSize: 3,
    MaxGroupPreparedCapacity: 3,
    InstanceReusePolicy: { ReuseOnScaleIn: false },
  });
});

test('schedules move the bounds of the group in their time zone', () => {
  const schedules = [{ name: 'night', cron: '0 20 * * *', timeZone: 'Europe/Berlin', max: 0 }];
  const { propertiesOf } = workerStack({ schedules });
  expect(propertiesOf('AutoScaling::ScheduledAction')).toEqual({
    AutoScalingGroupName: expect.anything(),
    Recurrence: '0 20 * * *',
    TimeZone: 'Europe/Berlin',
    MaxSize: 0,
  });
});

test('the permissions of a machine name its group without depending on it, which depends on them', () => {
  const [groupId] = Object.keys(stack.template.findResources('AWS::AutoScaling::AutoScalingGroup'));
  const policies = stack.template.findResources('AWS::IAM::Policy');
  expect(JSON.stringify(policies)).not.toContain(groupId);
  const { DependsOn } = Object.values(stack.template.findResources('AWS::AutoScaling::AutoScalingGroup'))[0]!;
  expect(DependsOn).toEqual(expect.arrayContaining(Object.keys(policies)));
});

test('what a group buys is of the config that was loaded', () => {
  expect(workerConfig().instanceTypes).toEqual(
    group['MixedInstancesPolicy'].LaunchTemplate.Overrides.map((it: { InstanceType: string }) => it.InstanceType),
  );
});
