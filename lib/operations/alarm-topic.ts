import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { FleetConfig } from '../config/schema.ts';

export interface AlarmTopicProps {
  readonly topicName: string;
  readonly config: Pick<FleetConfig['alarms'], 'emails' | 'topicArn'>;
}

/** Services that send to the topic. Both need the key: AWS's own key of SNS lets neither use it. */
const senders = ['cloudwatch.amazonaws.com', 'events.amazonaws.com'];

/**
 * Where alarms go: a topic of the fleet, encrypted, to which only alarms and rules of this account send, over TLS; or one
 * that is there already, whose policy is its owner's business.
 */
export class AlarmTopic extends Construct {
  readonly topic: ITopic;

  constructor(scope: Construct, id: string, { topicName, config }: AlarmTopicProps) {
    super(scope, id);
    this.topic =
      config.topicArn === undefined ? this.#ownTopic(topicName) : Topic.fromTopicArn(this, 'Topic', config.topicArn);
    for (const email of config.emails) this.topic.addSubscription(new EmailSubscription(email));
  }

  #ownTopic(topicName: string): Topic {
    const fromThisAccount = { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } };
    const principals = senders.map((service) => new ServicePrincipal(service));
    const key = new Key(this, 'Key', {
      description: `Messages of ${topicName}`,
      enableKeyRotation: true,
      // It holds nothing that would have to be read later.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    key.addToResourcePolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        principals,
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        // In a key's policy: this key.
        resources: ['*'],
        conditions: fromThisAccount,
      }),
    );
    const topic = new Topic(this, 'Topic', { topicName, masterKey: key, enforceSSL: true });
    topic.addToResourcePolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        principals,
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: fromThisAccount,
      }),
    );
    return topic;
  }
}
