import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import { Construct } from 'constructs';
import type { FleetConfig } from '../config/schema.ts';

export interface FleetBudgetProps {
  /** Value of the tag `fleet` on everything of the fleet. */
  readonly fleet: string;
  readonly config: NonNullable<FleetConfig['budget']>;
}

/**
 * What the fleet may cost in a month. It counts what has the fleet's tag, which the account must have activated for cost
 * allocation; until then the budget stays empty. Mails go out at 80 % of it, and when the month is foreseen to exceed it.
 */
export class FleetBudget extends Construct {
  constructor(scope: Construct, id: string, { fleet, config }: FleetBudgetProps) {
    super(scope, id);
    const notify = (
      notificationType: 'ACTUAL' | 'FORECASTED',
      threshold: number,
    ): CfnBudget.NotificationWithSubscribersProperty => ({
      notification: { notificationType, threshold, thresholdType: 'PERCENTAGE', comparisonOperator: 'GREATER_THAN' },
      subscribers: config.emails.map((address) => ({ subscriptionType: 'EMAIL', address })),
    });
    new CfnBudget(this, 'Budget', {
      budget: {
        budgetName: `${fleet}-monthly`,
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: config.monthlyUsd, unit: 'USD' },
        costFilters: { TagKeyValue: [`user:fleet$${fleet}`] },
      },
      notificationsWithSubscribers: [notify('ACTUAL', 80), notify('FORECASTED', 100)],
    });
  }
}
