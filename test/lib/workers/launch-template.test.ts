import { workerConfig, workerStack } from '../../support/worker-stack.ts';

const launchData = (changes?: Parameters<typeof workerStack>[0]) =>
  workerStack(changes).propertiesOf('EC2::LaunchTemplate')['LaunchTemplateData'];
const worker = launchData();

test('metadata is answered for a session token only, from a container too, and tells the tags of the machine', () => {
  expect(worker.MetadataOptions).toEqual({
    HttpTokens: 'required',
    HttpPutResponseHopLimit: 2,
    InstanceMetadataTags: 'enabled',
  });
});

test('the volume is encrypted and as fast as the config says', () => {
  expect(launchData({ volumeGiB: 300, volumeMiBps: 1_000 }).BlockDeviceMappings).toEqual([
    {
      DeviceName: '/dev/xvda',
      Ebs: { Encrypted: true, VolumeType: 'gp3', VolumeSize: 300, Throughput: 1_000, Iops: 4_000 },
    },
  ]);
});

test('a slow volume keeps the operations that every gp3 volume has', () => {
  expect(launchData({ volumeMiBps: 125 }).BlockDeviceMappings[0].Ebs.Iops).toBe(3_000);
});

test('nobody logs in with a key, and no machine has an address on the internet', () => {
  expect(worker).not.toHaveProperty('KeyName');
  expect(worker).not.toHaveProperty('NetworkInterfaces');
});

test('machines and their volumes carry the name of the group', () => {
  for (const { Tags } of worker.TagSpecifications) {
    expect(Tags).toContainEqual({ Key: 'Name', Value: 'sglang-dev-workers-small' });
  }
  expect(worker.TagSpecifications.map((it: { ResourceType: string }) => it.ResourceType)).toEqual([
    'instance',
    'volume',
  ]);
});

test('machines on demand ask for no market', () => {
  expect(worker).not.toHaveProperty('InstanceMarketOptions');
  expect(worker).not.toHaveProperty('CapacityReservationSpecification');
});

test('a capacity block is asked for by its reservation', () => {
  const { purchase } = workerConfig();
  const capacityBlock = { zone: 'us-east-1b', reservationId: 'cr-0123456789abcdef0' };
  expect(launchData({ purchase: { ...purchase, capacityBlock } })).toMatchObject({
    InstanceMarketOptions: { MarketType: 'capacity-block' },
    CapacityReservationSpecification: { CapacityReservationTarget: { CapacityReservationId: 'cr-0123456789abcdef0' } },
  });
});
