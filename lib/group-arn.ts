import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { justifyWildcard } from './justify-wildcard.ts';

/** The Auto Scaling group of this name, in the account and region of `scope`, for a policy below it. */
export function groupArn(scope: Construct, groupName: string): string {
  const arn = Stack.of(scope).formatArn({
    service: 'autoscaling',
    resource: 'autoScalingGroup',
    resourceName: `*:autoScalingGroupName/${groupName}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  justifyWildcard(scope, arn, 'AWS chooses the id that stands before the name of a group.');
  return arn;
}
