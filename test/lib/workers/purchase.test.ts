import type { WorkerGroupConfig } from '../../../lib/config/schema.ts';
import { workerConfig, workerStack } from '../../support/worker-stack.ts';

const { purchase } = workerConfig();
const groupWith = (changes: Partial<WorkerGroupConfig['purchase']>, instanceTypes = ['g6.xlarge', 'g5.xlarge']) =>
  workerStack({ instanceTypes, purchase: { ...purchase, ...changes } }).propertiesOf('AutoScaling::AutoScalingGroup');

const reservationIds = ['cr-0123456789abcdef0', 'cr-0fedcba9876543210'];
const capacityBlock = { zone: 'us-east-1b', reservationId: 'cr-0123456789abcdef0' };

test('instance types are tried in the order of the config', () => {
  const { MixedInstancesPolicy: mix } = groupWith({});
  expect(mix.LaunchTemplate.Overrides).toEqual([{ InstanceType: 'g6.xlarge' }, { InstanceType: 'g5.xlarge' }]);
  expect(mix.InstancesDistribution.OnDemandAllocationStrategy).toBe('prioritized');
});

test('all machines are on demand unless the config says otherwise', () => {
  const group = groupWith({});
  expect(group['MixedInstancesPolicy'].InstancesDistribution.OnDemandPercentageAboveBaseCapacity).toBe(100);
  expect(group['CapacityRebalance']).toBe(false);
});

test('Spot machines come above a base, from the pools that last, and are replaced ahead of their notice', () => {
  const group = groupWith({ onDemandBase: 2, onDemandShare: 0.25 });
  expect(group['MixedInstancesPolicy'].InstancesDistribution).toEqual({
    OnDemandAllocationStrategy: 'prioritized',
    OnDemandBaseCapacity: 2,
    OnDemandPercentageAboveBaseCapacity: 25,
    SpotAllocationStrategy: 'price-capacity-optimized',
  });
  expect(group['CapacityRebalance']).toBe(true);
});

test.each([
  ['none', { CapacityReservationPreference: 'none' }],
  ['first', { CapacityReservationPreference: 'capacity-reservations-first' }],
  ['only', { CapacityReservationPreference: 'capacity-reservations-only' }],
] as const)('open reservations are used: %s', (capacityReservations, specification) => {
  expect(groupWith({ capacityReservations })['CapacityReservationSpecification']).toEqual(specification);
});

test('targeted reservations are named', () => {
  expect(groupWith({ capacityReservations: 'first', reservationIds })['CapacityReservationSpecification']).toEqual({
    CapacityReservationPreference: 'capacity-reservations-first',
    CapacityReservationTarget: { CapacityReservationIds: reservationIds },
  });
});

test('a capacity block is one type in one zone, without a mix or a reservation of the group', () => {
  const group = groupWith({ capacityBlock }, ['p5.48xlarge']);
  expect(group).not.toHaveProperty('MixedInstancesPolicy');
  expect(group).not.toHaveProperty('CapacityReservationSpecification');
  expect(group['LaunchTemplate']).toBeDefined();
  expect(JSON.stringify(group['VPCZoneIdentifier'])).toContain('PrivateSubnet2');
  expect(group['VPCZoneIdentifier']).toHaveLength(1);
});
