import type { Template } from 'aws-cdk-lib/assertions';
import { metricNamespace } from '../../lib/names.ts';
import { devConfig, fleetTemplates, userDataOf } from '../support/fleet-templates.ts';

const templates = fleetTemplates(devConfig());

interface Statement {
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: object;
}

function statementsOf(template: Template): Statement[] {
  return Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
    ({ Properties }) => Properties.PolicyDocument.Statement,
  );
}
const actionsOf = (statements: readonly Statement[]) => statements.flatMap((statement) => statement.Action).sort();

describe.each(['router', 'workers-small'])('the role of %s', (name) => {
  const statements = statementsOf(templates[name]!);

  test('has no wildcard in an action', () => {
    expect(actionsOf(statements).filter((action) => action.includes('*'))).toEqual([]);
  });

  test('names all resources only in calls for which AWS has no finer ones, and under a condition', () => {
    const open = statements.filter((statement) => JSON.stringify(statement.Resource) === '"*"');
    expect(open.filter((statement) => !statement.Condition)).toEqual([]);
    const withoutResources = /^(ssmmessages:|ssm:UpdateInstanceInformation|\w+:Describe|cloudwatch:PutMetricData)/;
    expect(actionsOf(open).filter((action) => !withoutResources.test(action))).toEqual([]);
  });

  test('reads exactly the files that the machine boots with', () => {
    const [read] = statements.filter((statement) => statement.Action === 's3:GetObject');
    const fetched = userDataOf(templates[name]!).match(/(?<=^fetch \S+)\/[0-9a-f]{64}\.\w+/gm);
    expect(
      JSON.stringify(read?.Resource)
        .match(/\/[0-9a-f]{64}\.\w+/g)
        ?.sort(),
    ).toEqual(fetched?.sort());
  });

  test('publishes metrics of the fleet and no others', () => {
    const publishing = statements.filter(({ Action }) => [Action].flat().includes('cloudwatch:PutMetricData'));
    expect(publishing).toEqual([
      expect.objectContaining({
        Action: 'cloudwatch:PutMetricData',
        Condition: { StringEquals: { 'cloudwatch:namespace': metricNamespace } },
      }),
    ]);
  });

  test('carries no managed policy', () => {
    for (const role of Object.values(templates[name]!.findResources('AWS::IAM::Role'))) {
      expect(role['Properties'].ManagedPolicyArns).toBeUndefined();
    }
  });
});

test('only the router looks into the Auto Scaling group', () => {
  const discovery = ['autoscaling:DescribeAutoScalingGroups', 'ec2:DescribeInstances'];
  expect(actionsOf(statementsOf(templates['router']!))).toEqual(expect.arrayContaining(discovery));
  expect(actionsOf(statementsOf(templates['workers-small']!))).not.toEqual(expect.arrayContaining(discovery));
});

test('only the router changes the size of a group, and only of that of its workers', () => {
  const sizing = /SetDesiredCapacity|UpdateAutoScalingGroup|PutScalingPolicy|ExecutePolicy/;
  const sizingOf = (name: string) =>
    statementsOf(templates[name]!).filter(({ Action }) => [Action].flat().some((action) => sizing.test(action)));
  expect(sizingOf('workers-small')).toEqual([]);
  const [statement, ...others] = sizingOf('router');
  expect(others).toEqual([]);
  expect(statement!.Action).toBe('autoscaling:SetDesiredCapacity');
  const parts = (statement!.Resource as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1];
  expect(parts.map((part) => (typeof part === 'string' ? part : Object.values(part as object)[0])).join('')).toMatch(
    /^arn:aws:autoscaling:us-east-1:AWS::AccountId:autoScalingGroup:\*:autoScalingGroupName\/sglang-dev-workers-small$/,
  );
});

/** A resource of a policy with `Ref`s and the like as their names. */
function textOf(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  const join = (resource as { 'Fn::Join'?: [string, unknown[]] })['Fn::Join'];
  return join ? join[1].map(textOf).join('') : Object.values(resource as object).join();
}
const resourcesOf = (name: string, action: string) =>
  statementsOf(templates[name]!)
    .filter(({ Action }) => [Action].flat().includes(action))
    .map(({ Resource, Condition }) => ({ resources: [Resource].flat().map(textOf).sort(), condition: Condition }));

test('routers read the secrets of their fleet, workers the one that they share with routers', () => {
  const secret = (name: string) =>
    `arn:aws:secretsmanager:us-east-1:AWS::AccountId:secret:sglang-fleet/sglang-dev/${name}-??????`;
  const readableBy = (name: string) => resourcesOf(name, 'secretsmanager:GetSecretValue').map((each) => each.resources);
  expect(readableBy('router')).toEqual([[secret('api-keys'), secret('internal')]]);
  expect(readableBy('workers-small')).toEqual([[secret('internal')]]);
});

test('a router attaches the volume of the store, to machines of its own group', () => {
  expect(resourcesOf('router', 'ec2:AttachVolume')).toEqual([
    { resources: [expect.stringMatching(/^arn:aws:ec2:us-east-1:AWS::AccountId:volume\/\S*StateStoreVolume/)] },
    {
      resources: ['arn:aws:ec2:us-east-1:AWS::AccountId:instance/*'],
      condition: { StringEquals: { 'aws:ResourceTag/aws:autoscaling:groupName': 'sglang-dev-router' } },
    },
  ]);
});

test('a router completes the hooks of its own group', () => {
  expect(resourcesOf('router', 'autoscaling:CompleteLifecycleAction')).toEqual([
    { resources: [expect.stringMatching(/autoScalingGroupName\/sglang-dev-router$/)] },
  ]);
});

test('copies of the store are made by a role that reaches no other volume', () => {
  const changing = statementsOf(templates['state']!).filter(({ Action }) =>
    [Action].flat().some((action) => /CreateSnapshot|DeleteSnapshot/.test(action)),
  );
  for (const { Resource, Condition } of changing) {
    const isNewCopy = [Resource].flat().every((each) => textOf(each).endsWith('::snapshot/*'));
    if (Condition === undefined) expect(isNewCopy).toBe(true);
    else expect(Condition).toEqual({ StringEquals: { 'aws:ResourceTag/fleet-store': 'sglang-dev' } });
  }
  expect(changing).toHaveLength(3);
});
