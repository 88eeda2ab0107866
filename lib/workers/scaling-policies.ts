import { Duration } from 'aws-cdk-lib';
import { CfnScalingPolicy } from 'aws-cdk-lib/aws-autoscaling';
import { Alarm, ComparisonOperator, MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { WorkerGroupConfig } from '../config/schema.ts';
import { metricNamespace } from '../names.ts';
import { capacityMetric, fleetMetric } from '../operations/fleet-metrics.ts';
import { startSeconds } from './lifecycle-hooks.ts';

export interface ScalingPoliciesProps {
  readonly config: Pick<WorkerGroupConfig, 'scaling' | 'startMinutes'>;
  readonly groupName: string;
}

/** Seconds of a high-resolution policy: the shortest that EC2 Auto Scaling takes. */
const trackingPeriodSeconds = 10;
/** A group that was just made smaller must not be above its target at once. */
const scaleInShare = 0.9;
/** EC2 Auto Scaling starts machines at most so long before the load that it foresees. */
const maxLeadSeconds = 3_600;

/**
 * When a group grows and shrinks. It grows with the utilisation of its engines, within tens of seconds; with the time that
 * requests wait in the routers, since workers that are overloaded or dead do not say so themselves; and, where the config
 * says so, ahead of a pattern. It shrinks only after a time in which one worker fewer would have done. A group at zero
 * measures nothing: the routers raise it.
 */
export class ScalingPolicies extends Construct {
  readonly #groupName: string;

  constructor(scope: Construct, id: string, { config, groupName }: ScalingPoliciesProps) {
    super(scope, id);
    this.#groupName = groupName;
    const { targetUtilization, targetQueueSeconds, scaleInCooldownSeconds, predictive } = config.scaling;
    this.#growWithUtilization(targetUtilization);
    this.#growWithQueue(targetQueueSeconds);
    this.#shrinkWhenIdle(Number((scaleInShare * targetUtilization).toFixed(3)), scaleInCooldownSeconds);
    if (predictive) this.#growAhead(targetUtilization, Math.min(startSeconds(config), maxLeadSeconds));
  }

  // The construct of the CDK would drop the period.
  #growWithUtilization(targetValue: number): void {
    new CfnScalingPolicy(this, 'GrowWithUtilization', {
      autoScalingGroupName: this.#groupName,
      policyType: 'TargetTrackingScaling',
      targetTrackingConfiguration: {
        targetValue,
        // Shrinking has a policy of its own: this one's would wait for a fixed quarter of an hour.
        disableScaleIn: true,
        customizedMetricSpecification: {
          namespace: metricNamespace,
          metricName: 'Utilization',
          statistic: 'Average',
          period: trackingPeriodSeconds,
          dimensions: [{ name: 'AutoScalingGroupName', value: this.#groupName }],
        },
      },
    });
  }

  /** In steps: a wait does not fall in proportion to the workers, so that tracking it would buy too many. */
  #growWithQueue(targetSeconds: number): void {
    const policy = this.#stepPolicy('GrowWithQueue', [
      { metricIntervalLowerBound: 0, metricIntervalUpperBound: 4 * targetSeconds, scalingAdjustment: 10 },
      { metricIntervalLowerBound: 4 * targetSeconds, scalingAdjustment: 30 },
    ]);
    this.#alarm('QueueAlarm', policy, {
      name: 'queue',
      description: 'Adds workers while requests wait in the routers.',
      metric: fleetMetric(this.#groupName, 'QueueTime', 'p90'),
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      threshold: targetSeconds,
      minutes: 2,
    });
  }

  #shrinkWhenIdle(utilization: number, seconds: number): void {
    const policy = this.#stepPolicy('ShrinkWhenIdle', [{ metricIntervalUpperBound: 0, scalingAdjustment: -10 }]);
    this.#alarm('IdleAlarm', policy, {
      name: 'idle',
      description: 'Takes workers away while the others can carry the load.',
      // What the group carries, less what one worker fewer can carry. The last one goes only when it has nothing to do.
      metric: new MathExpression({
        expression: `utilization * workers - ${utilization} * (workers - 1)`,
        period: Duration.minutes(1),
        usingMetrics: {
          utilization: fleetMetric(this.#groupName, 'Utilization', 'Average'),
          workers: capacityMetric(this.#groupName, 'GroupInServiceInstances'),
        },
      }),
      comparisonOperator: ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
      threshold: 0,
      minutes: Math.ceil(seconds / 60),
    });
  }

  /** As the predefined pairs do it: the sum of a metric over the workers is the load, its average what has a target. */
  #growAhead(targetValue: number, leadSeconds: number): void {
    const utilization = (stat: string) => ({
      metricDataQueries: [{ id: 'utilization', metricStat: { metric: this.#utilization, stat }, returnData: true }],
    });
    new CfnScalingPolicy(this, 'GrowAhead', {
      autoScalingGroupName: this.#groupName,
      policyType: 'PredictiveScaling',
      predictiveScalingConfiguration: {
        mode: 'ForecastAndScale',
        schedulingBufferTime: leadSeconds,
        metricSpecifications: [
          {
            targetValue,
            customizedLoadMetricSpecification: utilization('Sum'),
            customizedScalingMetricSpecification: utilization('Average'),
          },
        ],
      },
    });
  }

  get #utilization(): CfnScalingPolicy.MetricProperty {
    return {
      namespace: metricNamespace,
      metricName: 'Utilization',
      dimensions: [{ name: 'AutoScalingGroupName', value: this.#groupName }],
    };
  }

  /** @param stepAdjustments by how many percent of the group, but at least one worker */
  #stepPolicy(id: string, stepAdjustments: CfnScalingPolicy.StepAdjustmentProperty[]): CfnScalingPolicy {
    return new CfnScalingPolicy(this, id, {
      autoScalingGroupName: this.#groupName,
      policyType: 'StepScaling',
      adjustmentType: 'PercentChangeInCapacity',
      minAdjustmentMagnitude: 1,
      metricAggregationType: 'Average',
      stepAdjustments,
    });
  }

  /** Silence changes nothing. */
  #alarm(id: string, policy: CfnScalingPolicy, props: ScalingAlarm): void {
    const { name, description, minutes, ...condition } = props;
    const alarm = new Alarm(this, id, {
      ...condition,
      alarmName: `${this.#groupName}-${name}`,
      alarmDescription: `${description} Part of scaling, nobody has to act: docs/operations.md#scaling`,
      evaluationPeriods: minutes,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction({ bind: () => ({ alarmActionArn: policy.attrArn }) });
  }
}

interface ScalingAlarm {
  readonly name: string;
  readonly description: string;
  readonly metric: Alarm['metric'];
  readonly comparisonOperator: ComparisonOperator;
  readonly threshold: number;
  /** For how long the condition must have held. */
  readonly minutes: number;
}
