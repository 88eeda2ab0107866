import { Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { allowToRead } from '../fleet-secrets.ts';
import { groupArn } from '../group-arn.ts';
import { justifyWildcard } from '../justify-wildcard.ts';
import { allow, inThisRegion } from '../machine-role.ts';
import { s3Folder, type WeightsPlan } from './weights.ts';

/** What a worker may do beyond booting, logging and measuring: see to its own life, fetch its weights, read its secrets. */
export function workerStatements(
  scope: Construct,
  groupName: string,
  plan: WeightsPlan,
  internalSecret: string,
): PolicyStatement[] {
  return [
    allow(
      [
        'autoscaling:CompleteLifecycleAction',
        'autoscaling:RecordLifecycleActionHeartbeat',
        'autoscaling:SetInstanceHealth',
        'autoscaling:SetInstanceProtection',
      ],
      [groupArn(scope, groupName)],
    ),
    // Takes no resource.
    allow(['autoscaling:DescribeAutoScalingInstances'], ['*'], inThisRegion(scope)),
    ...(plan.readsFrom === undefined ? [] : readFolder(scope, plan.readsFrom)),
    allowToRead(scope, { names: [internalSecret], arns: plan.secretArn === undefined ? [] : [plan.secretArn] }),
  ];
}

/** Reads a folder in S3 and nothing else of its bucket. */
export function readFolder(scope: Construct, uri: string): PolicyStatement[] {
  const { bucket, prefix } = s3Folder(uri);
  const bucketArn = Stack.of(scope).formatArn({ service: 's3', resource: bucket, region: '', account: '' });
  justifyWildcard(scope, `${bucketArn}/${prefix}/*`, 'The files of one model, which its publisher names.');
  return [
    allow(['s3:GetObject'], [`${bucketArn}/${prefix}/*`]),
    new PolicyStatement({
      effect: Effect.ALLOW,
      actions: ['s3:ListBucket'],
      resources: [bucketArn],
      conditions: { StringLike: { 's3:prefix': [prefix, `${prefix}/*`] } },
    }),
  ];
}
