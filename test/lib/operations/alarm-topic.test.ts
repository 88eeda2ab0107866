import type { FleetConfig } from '../../../lib/config/schema.ts';
import { alarmsOf, exampleConfig, operationsOf } from '../../support/operations-template.ts';

const dev = exampleConfig('dev');
const withAlarms = (alarms: Partial<FleetConfig['alarms']>) =>
  operationsOf({ ...dev, alarms: { ...dev.alarms, ...alarms } });

describe("a fleet's own topic", () => {
  const template = operationsOf(dev);

  test('is encrypted with a key that those who send to it may use', () => {
    const [topic] = Object.values(template.findResources('AWS::SNS::Topic'));
    const [[keyId, key]] = Object.entries(template.findResources('AWS::KMS::Key')) as [[string, { Properties: never }]];
    expect(topic!['Properties'].KmsMasterKeyId).toEqual({ 'Fn::GetAtt': [keyId, 'Arn'] });
    expect(key).toMatchObject({
      Properties: {
        EnableKeyRotation: true,
        KeyPolicy: {
          Statement: expect.arrayContaining([
            expect.objectContaining({
              Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
              Principal: { Service: ['cloudwatch.amazonaws.com', 'events.amazonaws.com'] },
            }),
          ]),
        },
      },
    });
  });

  test('takes messages from alarms and rules of this account alone, and over TLS alone', () => {
    const [policy] = Object.values(template.findResources('AWS::SNS::TopicPolicy'));
    const statements = policy!['Properties'].PolicyDocument.Statement as Record<string, unknown>[];
    expect(statements.map(({ Effect, Action, Condition }) => ({ Effect, Action, Condition }))).toEqual([
      { Effect: 'Deny', Action: 'sns:Publish', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
      {
        Effect: 'Allow',
        Action: 'sns:Publish',
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      },
    ]);
  });
});

test('each address of the config gets a mail', () => {
  const subscriptions = (template: ReturnType<typeof operationsOf>) =>
    Object.values(template.findResources('AWS::SNS::Subscription')).map(({ Properties }) => Properties.Endpoint);
  expect(subscriptions(operationsOf(dev))).toEqual([]);
  expect(subscriptions(withAlarms({ emails: ['a@example.com', 'b@example.com'] }))).toEqual([
    'a@example.com',
    'b@example.com',
  ]);
});

test('a topic that is there already is used instead of a new one, by every alarm and rule', () => {
  const topicArn = 'arn:aws:sns:us-east-1:123456789012:on-call';
  const template = withAlarms({ topicArn });
  expect(Object.keys(template.findResources('AWS::SNS::Topic'))).toEqual([]);
  expect(Object.keys(template.findResources('AWS::KMS::Key'))).toEqual([]);
  for (const { AlarmActions } of alarmsOf(template)) expect(AlarmActions).toEqual([topicArn]);
  const [rule] = Object.values(template.findResources('AWS::Events::Rule'));
  expect(rule!['Properties'].Targets[0].Arn).toBe(topicArn);
});

test('the thresholds of the config are those of the alarms', () => {
  const threshold = (template: ReturnType<typeof operationsOf>, name: string) =>
    alarmsOf(template).find(({ AlarmName }) => AlarmName.endsWith(name));
  const changed = withAlarms({ firstTokenSeconds: 3, noWorkerMinutes: 7 });
  expect(threshold(changed, 'slow-first-token')?.Threshold).toBe(3);
  expect(threshold(changed, 'no-ready-worker')?.EvaluationPeriods).toBe(30 + 7);
});
