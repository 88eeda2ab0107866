import { ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { RunbookSection } from './runbook.ts';

/** One alarm before it is made. */
export interface AlarmPlan {
  /** Of the construct. */
  readonly id: string;
  /** Fixed, so that people and other tools know it. */
  readonly name: string;
  /** What is wrong, in a sentence. */
  readonly says: string;
  readonly runbook: RunbookSection;
  readonly metric: IMetric;
  /** The alarm is on when the metric is above it, */
  readonly above: number;
  /** in so many periods of the metric one after the other. */
  readonly periods: number;
  /**
   * What silence means. `is-fine`: there was nothing to measure, or another alarm is about it. `is-wrong`: whoever measures
   * is gone. `says-nothing`: the alarm stays as it is.
   */
  readonly silence: keyof typeof missingData;
}

export const missingData = {
  'is-fine': TreatMissingData.NOT_BREACHING,
  'is-wrong': TreatMissingData.BREACHING,
  'says-nothing': TreatMissingData.IGNORE,
} as const;

export const comparison = ComparisonOperator.GREATER_THAN_THRESHOLD;
