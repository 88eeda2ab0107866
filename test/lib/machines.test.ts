import { Match, type Template } from 'aws-cdk-lib/assertions';
import { devConfig, fleetTemplates } from '../support/fleet-templates.ts';

const templates = fleetTemplates(devConfig());
const machines: [string, Template][] = [
  ['router', templates['router']!],
  ['workers-small', templates['workers-small']!],
];

describe.each(machines)('a machine of %s', (_name, template) => {
  const launchTemplate = (properties: object) =>
    template.hasResourceProperties('AWS::EC2::LaunchTemplate', { LaunchTemplateData: Match.objectLike(properties) });

  test('answers metadata requests with a session token only', () => {
    launchTemplate({ MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 2 } });
  });

  test('has an encrypted disk', () => {
    launchTemplate({ BlockDeviceMappings: [Match.objectLike({ Ebs: Match.objectLike({ Encrypted: true }) })] });
  });

  test('has no key pair and no public address', () => {
    launchTemplate({ KeyName: Match.absent(), NetworkInterfaces: Match.absent() });
  });

  test('is in private subnets', () => {
    const [group] = Object.values(template.findResources('AWS::AutoScaling::AutoScalingGroup'));
    const subnets = group?.['Properties'].VPCZoneIdentifier as unknown[];
    expect(subnets.length).toBeGreaterThan(0);
    for (const subnet of subnets) expect(JSON.stringify(subnet)).toMatch(/PrivateSubnet\dSubnet/);
  });

  test('is replaced when anything that it boots with changes', () => {
    template.hasResource('AWS::AutoScaling::AutoScalingGroup', {
      UpdatePolicy: Match.objectLike({ AutoScalingInstanceRefresh: Match.objectLike({ Strategy: 'Rolling' }) }),
    });
  });

  test('starts only after its role may fetch what it boots with', () => {
    const [policy] = Object.keys(template.findResources('AWS::IAM::Policy'));
    template.hasResource('AWS::AutoScaling::AutoScalingGroup', { DependsOn: Match.arrayWith([policy]) });
  });

  test('keeps its logs as long as the config says', () => {
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 14 });
  });

  test('carries the tags of the fleet', () => {
    const tag = (Key: string, Value: string) => Match.objectLike({ Key, Value, PropagateAtLaunch: true });
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      Tags: Match.arrayWith([tag('fleet', 'sglang-dev'), tag('project', 'sglang-fleet')]),
    });
  });
});

test('deployments leave the size of a group alone', () => {
  for (const [, template] of machines) {
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', { DesiredCapacity: Match.absent() });
  }
});

test('the outputs name the groups', () => {
  for (const name of ['router', 'workers-small']) {
    templates[name]!.hasOutput('GroupName', { Value: `sglang-dev-${name}` });
  }
});
