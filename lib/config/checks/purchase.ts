import { type Finding, groupCheck } from '../finding.ts';

/** Ways of paying for machines that go together. */
export const checkPurchase = groupCheck(({ group, at }, { network }) => {
  const { onDemandBase, onDemandShare, capacityReservations, reservationIds, capacityBlock } = group.purchase;
  const findings: Finding[] = [];
  const add = (field: string, advice: string) => findings.push({ path: at('purchase', field), advice });
  if (onDemandBase > group.max) add('onDemandBase', `the group has at most ${group.max} workers`);
  if (capacityReservations === 'only' && onDemandShare < 1) {
    add('onDemandShare', 'reservations hold no Spot workers: leave it 1, or use capacityReservations first');
  }
  if (reservationIds.length > 0 && capacityReservations === 'none' && capacityBlock === undefined) {
    add('capacityReservations', 'reservationIds are used only with first or only');
  }
  if (capacityBlock !== undefined) {
    if (reservationIds.length > 0) add('reservationIds', 'all workers run in the capacity block: leave them out');
    if (capacityReservations !== 'none')
      add('capacityReservations', 'all workers run in the capacity block: leave it none');
    if (!network.availabilityZones.includes(capacityBlock.zone)) {
      const path = at('purchase', 'capacityBlock', 'zone');
      findings.push({ path, advice: `the fleet has ${network.availabilityZones.join(', ')}` });
    }
    if (group.instanceTypes.length > 1) {
      findings.push({ path: at('instanceTypes'), advice: 'a capacity block has machines of one type: name that one' });
    }
  }
  if (group.warmPool !== undefined) {
    // https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-warm-pools.html
    if (onDemandShare < 1)
      add('onDemandShare', 'Auto Scaling keeps no warm pool for a group with Spot workers: leave it 1');
    if (group.warmPool.size > group.max) {
      findings.push({ path: at('warmPool', 'size'), advice: `the group has at most ${group.max} workers` });
    }
  }
  return findings;
});
