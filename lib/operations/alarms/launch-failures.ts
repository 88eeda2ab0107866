import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { runbookAddress } from './runbook.ts';

export interface LaunchFailureRuleProps {
  readonly ruleName: string;
  /** Auto Scaling groups of the fleet. */
  readonly groupNames: readonly string[];
  readonly topic: ITopic;
}

/** EC2 has none of these machines left: it is tried again all the time, and the alarm on missing workers says so once. */
const noCapacity = '*not have sufficient*capacity*';

/**
 * Tells of every machine that could not be started, and of those that were given up before they served (their launch hook
 * was abandoned or timed out). No metric counts them.
 */
export class LaunchFailureRule extends Construct {
  constructor(scope: Construct, id: string, { ruleName, groupNames, topic }: LaunchFailureRuleProps) {
    super(scope, id);
    const field = (path: string) => EventField.fromPath(`$.detail.${path}`);
    new Rule(this, 'Rule', {
      ruleName,
      description: `Machines that did not start. What to do: ${runbookAddress('launchFailed')}`,
      eventPattern: {
        source: ['aws.autoscaling'],
        detailType: ['EC2 Instance Launch Unsuccessful'],
        detail: {
          AutoScalingGroupName: [...groupNames],
          StatusMessage: [{ 'anything-but': { wildcard: noCapacity } }],
        },
      },
      // The CDK's own target would open the topic to rules of every account.
      targets: [
        {
          bind: () => ({
            arn: topic.topicArn,
            input: RuleTargetInput.fromText(
              `A machine of ${field('AutoScalingGroupName')} did not start: ${field('StatusMessage')} ${field('Cause')} What to do: ${runbookAddress('launchFailed')}`,
            ),
          }),
        },
      ],
    });
  }
}
