import { exampleConfig, operationsOf } from '../../support/operations-template.ts';

const dev = exampleConfig('dev');
const budgetsOf = (config: typeof dev) => operationsOf(config).findResources('AWS::Budgets::Budget');

test('a fleet without a budget has none', () => {
  expect(budgetsOf(dev)).toEqual({});
});

test('a budget counts what has the tag of the fleet and tells its readers before it is used up', () => {
  const budget = { monthlyUsd: 1_234, emails: ['a@example.com', 'b@example.com'] };
  const [{ Properties }] = Object.values(budgetsOf({ ...dev, budget })) as [{ Properties: Record<string, unknown> }];
  expect(Properties['Budget']).toMatchObject({
    BudgetLimit: { Amount: 1_234, Unit: 'USD' },
    TimeUnit: 'MONTHLY',
    CostFilters: { TagKeyValue: ['user:fleet$sglang-dev'] },
  });
  expect(Properties['NotificationsWithSubscribers']).toEqual(
    (
      [
        ['ACTUAL', 80],
        ['FORECASTED', 100],
      ] as const
    ).map(([NotificationType, Threshold]) => ({
      Notification: { NotificationType, Threshold, ThresholdType: 'PERCENTAGE', ComparisonOperator: 'GREATER_THAN' },
      Subscribers: budget.emails.map((Address) => ({ SubscriptionType: 'EMAIL', Address })),
    })),
  );
});
