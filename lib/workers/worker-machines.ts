import { Duration, Validations } from 'aws-cdk-lib';
import {
  AutoScalingGroup,
  CapacityDistributionStrategy,
  type CfnAutoScalingGroup,
  GroupMetrics,
  HealthChecks,
  InstanceRefreshStrategy,
  PoolState,
  ScaleInProtectedInstances,
  StandbyInstances,
  TerminationPolicy,
  UpdatePolicy,
} from 'aws-cdk-lib/aws-autoscaling';
import type { ILaunchTemplate, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { WorkerGroupConfig } from '../config/schema.ts';
import { privateSubnets } from '../network.ts';
import { lifecycleHooks } from './lifecycle-hooks.ts';
import { launchedFrom, reservationsOf } from './purchase.ts';

export interface WorkerMachinesProps {
  readonly config: WorkerGroupConfig;
  readonly groupName: string;
  readonly vpc: IVpc;
  readonly launchTemplate: ILaunchTemplate;
}

/** A machine is in service once it has generated. So long later its share of the load shows in its utilisation. */
const warmup = Duration.minutes(1);

/**
 * The Auto Scaling group of the workers of one model. A change of the launch template, and so of any shipped file, replaces
 * the machines by an instance refresh, with as many at a time as the config allows.
 */
export class WorkerMachines extends Construct {
  readonly group: AutoScalingGroup;

  constructor(scope: Construct, id: string, props: WorkerMachinesProps) {
    super(scope, id);
    const { config, groupName, vpc, launchTemplate } = props;
    const { minHealthyPercent: minHealthyPercentage, maxHealthyPercent: maxHealthyPercentage } = config.updates;
    this.group = new AutoScalingGroup(this, 'Group', {
      autoScalingGroupName: groupName,
      vpc,
      vpcSubnets: subnetsFor(config.purchase),
      ...launchedFrom(config, launchTemplate),
      // No desired capacity: each deployment would reset what scaling had reached.
      minCapacity: config.min,
      maxCapacity: config.max,
      healthChecks: HealthChecks.ec2({ gracePeriod: warmup }),
      defaultInstanceWarmup: warmup,
      // A zone that is sold out must not keep the others from growing.
      azCapacityDistributionStrategy: CapacityDistributionStrategy.BALANCED_BEST_EFFORT,
      // Old versions first, then second choices; of equals the newest, whose cache is worth least.
      terminationPolicies: [
        TerminationPolicy.OLDEST_LAUNCH_TEMPLATE,
        TerminationPolicy.ALLOCATION_STRATEGY,
        TerminationPolicy.NEWEST_INSTANCE,
      ],
      groupMetrics: [GroupMetrics.all()],
      // Not for deployments alone: whoever replaces machines keeps to it.
      minHealthyPercentage,
      maxHealthyPercentage,
      updatePolicy: UpdatePolicy.instanceRefresh({
        strategy: InstanceRefreshStrategy.ROLLING,
        minHealthyPercentage,
        maxHealthyPercentage,
        skipMatching: true,
        // They drain like any other; waiting for them would let one long job fail a deployment.
        scaleInProtectedInstances: ScaleInProtectedInstances.REFRESH,
        // Somebody has put them aside.
        standbyInstances: StandbyInstances.IGNORE,
      }),
    });
    Validations.of(this.group).acknowledge(
      {
        id: 'AwsSolutions-AS3',
        reason: 'Alarms and the dashboard tell of capacity; nobody would read a message for each machine.',
      },
      { id: 'AwsSolutions-EC26', reason: 'The launch template encrypts its volume; the rule cannot read it there.' },
    );
    this.#completeGroup(config);
    this.#addWarmPool(config.warmPool);
  }

  /** What the construct of the CDK does not know. */
  #completeGroup(config: WorkerGroupConfig): void {
    const group = this.group.node.defaultChild as CfnAutoScalingGroup;
    group.lifecycleHookSpecificationList = lifecycleHooks(config);
    group.capacityReservationSpecification = reservationsOf(config.purchase);
  }

  #addWarmPool(pool: WorkerGroupConfig['warmPool']): void {
    if (pool === undefined) return;
    this.group.addWarmPool({
      minSize: pool.size,
      poolState: PoolState.STOPPED,
      reuseOnScaleIn: pool.reuseOnScaleIn,
      // Without it the pool has as many machines as the group may still grow by.
      maxGroupPreparedCapacity: pool.size,
    });
  }
}

/** A block of capacity is in one zone. */
function subnetsFor({ capacityBlock }: WorkerGroupConfig['purchase']): SubnetSelection {
  return capacityBlock === undefined ? privateSubnets : { ...privateSubnets, availabilityZones: [capacityBlock.zone] };
}
