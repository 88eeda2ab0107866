import type { Template } from 'aws-cdk-lib/assertions';
import { devConfig, fleetTemplates } from '../support/fleet-templates.ts';

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
    const files = name === 'router' ? 2 : 4;
    expect(JSON.stringify(read?.Resource).match(/\/[0-9a-f]{64}\.\w+/g)).toHaveLength(files);
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
