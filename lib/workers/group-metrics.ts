import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { metricNamespace } from '../names.ts';

/**
 * What the workers of a group, and the routers for it, tell CloudWatch about it. Their name is the only dimension.
 * @param statistic as CloudWatch writes it, such as Average or p90
 */
export function fleetMetric(groupName: string, metricName: string, statistic: string): Metric {
  return groupMetric(metricNamespace, groupName, metricName, statistic);
}

/** What EC2 Auto Scaling itself counts of a group. */
export function capacityMetric(groupName: string, metricName: string): Metric {
  return groupMetric('AWS/AutoScaling', groupName, metricName, 'Average');
}

function groupMetric(namespace: string, groupName: string, metricName: string, statistic: string): Metric {
  const dimensionsMap = { AutoScalingGroupName: groupName };
  return new Metric({ namespace, metricName, statistic, dimensionsMap, period: Duration.minutes(1) });
}
