import {
  type AutoScalingGroupProps,
  type CfnAutoScalingGroup,
  OnDemandAllocationStrategy,
  SpotAllocationStrategy,
} from 'aws-cdk-lib/aws-autoscaling';
import { type ILaunchTemplate, InstanceType } from 'aws-cdk-lib/aws-ec2';
import type { WorkerGroupConfig } from '../config/schema.ts';

type PurchaseConfig = Pick<WorkerGroupConfig, 'instanceTypes' | 'purchase'>;

/** What a group launches its machines from: several types and ways to pay, or one type in one block of capacity. */
export function launchedFrom(
  { instanceTypes, purchase }: PurchaseConfig,
  launchTemplate: ILaunchTemplate,
): Pick<AutoScalingGroupProps, 'launchTemplate' | 'mixedInstancesPolicy' | 'capacityRebalance'> {
  // A block is a market of its own for one type, which a mix of on demand and Spot cannot name.
  if (purchase.capacityBlock !== undefined) return { launchTemplate };
  const { onDemandBase, onDemandShare } = purchase;
  return {
    mixedInstancesPolicy: {
      launchTemplate,
      launchTemplateOverrides: instanceTypes.map((name) => ({ instanceType: new InstanceType(name) })),
      instancesDistribution: {
        // In the order of the config: the next type where the one before it is sold out.
        onDemandAllocationStrategy: OnDemandAllocationStrategy.PRIORITIZED,
        onDemandBaseCapacity: onDemandBase,
        onDemandPercentageAboveBaseCapacity: Math.round(100 * onDemandShare),
        // The pools that are least likely to be taken back, and of these the cheapest.
        spotAllocationStrategy: SpotAllocationStrategy.PRICE_CAPACITY_OPTIMIZED,
      },
    },
    // A machine that Spot will probably take back gets its replacement before its notice.
    capacityRebalance: onDemandShare < 1,
  };
}

/** Which reservations a group uses; undefined where its launch template names a block. */
export function reservationsOf({
  capacityReservations,
  reservationIds,
  capacityBlock,
}: PurchaseConfig['purchase']): CfnAutoScalingGroup.CapacityReservationSpecificationProperty | undefined {
  if (capacityBlock !== undefined) return undefined;
  // `none` with a target is refused by EC2 Auto Scaling.
  if (capacityReservations === 'none') return { capacityReservationPreference: 'none' };
  return {
    capacityReservationPreference: `capacity-reservations-${capacityReservations}`,
    ...(reservationIds.length > 0 && { capacityReservationTarget: { capacityReservationIds: reservationIds } }),
  };
}
