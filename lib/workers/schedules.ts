import { type AutoScalingGroup, CfnScheduledAction } from 'aws-cdk-lib/aws-autoscaling';
import type { Construct } from 'constructs';
import type { WorkerGroupConfig } from '../config/schema.ts';

/** Changes the bounds of a group by the clock; scaling moves between them. */
export function addSchedules(
  scope: Construct,
  group: AutoScalingGroup,
  schedules: WorkerGroupConfig['schedules'],
): void {
  for (const { name, cron, timeZone, min, max } of schedules) {
    new CfnScheduledAction(scope, `Schedule-${name}`, {
      autoScalingGroupName: group.autoScalingGroupName,
      recurrence: cron,
      timeZone,
      ...(min !== undefined && { minSize: min }),
      ...(max !== undefined && { maxSize: max }),
    });
  }
}
