import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { EC2Client } from '@aws-sdk/client-ec2';
import { type DiscoveryClients, discoverInstances, isLeaving } from '../../runtime/router/coordinator/discovery.ts';
import { FakeAws, type FakeFailure, throttled } from '../support/fake-aws.ts';

/** The real AWS clients, pointed at the stand-in. */
function clientsOf(aws: FakeAws): DiscoveryClients & Disposable {
  const config = {
    endpoint: aws.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    // The clients' own retries wait up to 20 s for a throttled call.
    maxAttempts: 2,
  };
  const clients = { autoScaling: new AutoScalingClient(config), ec2: new EC2Client(config) };
  return {
    ...clients,
    [Symbol.dispose]() {
      clients.autoScaling.destroy();
      clients.ec2.destroy();
    },
  };
}

const signal = () => AbortSignal.timeout(20_000);
const instances = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    instanceId: `i-${String(i).padStart(4, '0')}`,
    privateIp: `10.0.${Math.floor(i / 250)}.${i % 250}`,
  }));

test('lists the instances in service with their private addresses', async () => {
  await using aws = await FakeAws.start();
  using clients = clientsOf(aws);
  aws.groups.set('fleet-workers', instances(2));
  expect(await discoverInstances(clients, 'fleet-workers', signal())).toEqual([
    { instanceId: 'i-0000', privateIp: '10.0.0.0', lifecycleState: 'InService', healthStatus: 'Healthy' },
    { instanceId: 'i-0001', privateIp: '10.0.0.1', lifecycleState: 'InService', healthStatus: 'Healthy' },
  ]);
});

test('finds all of 450 instances over filter batches and result pages', async () => {
  await using aws = await FakeAws.start({ pageSize: 60 });
  using clients = clientsOf(aws);
  aws.groups.set('fleet-workers', instances(450));
  const found = await discoverInstances(clients, 'fleet-workers', signal());
  expect(new Set(found.map((instance) => instance.privateIp)).size).toBe(450);
  // 200 + 200 + 50 ids: four, four and one page of 60.
  expect(aws.countOf('DescribeInstances')).toBe(9);
});

test('takes exactly the named group, not one whose name contains it', async () => {
  await using aws = await FakeAws.start();
  using clients = clientsOf(aws);
  aws.groups.set('other-fleet-workers', [{ instanceId: 'i-other', privateIp: '10.9.9.9' }]);
  aws.groups.set('fleet-workers', [{ instanceId: 'i-ours', privateIp: '10.0.0.1' }]);
  const found = await discoverInstances(clients, 'fleet-workers', signal());
  expect(found.map((instance) => instance.instanceId)).toEqual(['i-ours']);
});

test('reports terminating instances as leaving, and leaves out those that never served', async () => {
  await using aws = await FakeAws.start();
  using clients = clientsOf(aws);
  const state = (lifecycleState: string, n: number) => ({
    instanceId: `i-${n}-${lifecycleState}`,
    privateIp: `10.0.0.${n}`,
    lifecycleState,
  });
  const states = ['InService', 'Terminating:Wait', 'Pending:Wait', 'Standby', 'Warmed:Stopped', 'Warmed:Terminating'];
  aws.groups.set('fleet-workers', states.map(state));
  const found = await discoverInstances(clients, 'fleet-workers', signal());
  expect(found.map((instance) => [instance.lifecycleState, isLeaving(instance)])).toEqual([
    ['InService', false],
    ['Terminating:Wait', true],
  ]);
});

test('leaves out an instance that EC2 has already forgotten and keeps the others', async () => {
  await using aws = await FakeAws.start();
  using clients = clientsOf(aws);
  aws.groups.set('fleet-workers', [{ instanceId: 'i-gone' }, { instanceId: 'i-here', privateIp: '10.0.0.2' }]);
  const found = await discoverInstances(clients, 'fleet-workers', signal());
  expect(found.map((instance) => instance.instanceId)).toEqual(['i-here']);
});

test('an empty group is an empty fleet, and EC2 is not asked', async () => {
  await using aws = await FakeAws.start();
  using clients = clientsOf(aws);
  aws.groups.set('fleet-workers', []);
  expect(await discoverInstances(clients, 'fleet-workers', signal())).toEqual([]);
  expect(aws.countOf('DescribeInstances')).toBe(0);
});

test('an unknown group is an error that says what to check, never an empty fleet', async () => {
  await using aws = await FakeAws.start();
  using clients = clientsOf(aws);
  await expect(discoverInstances(clients, 'fleet-wrokers', signal())).rejects.toThrow(
    /no Auto Scaling group "fleet-wrokers".*--asg/,
  );
});

test('a single throttled call is repeated by the client itself', async () => {
  await using aws = await FakeAws.start();
  using clients = clientsOf(aws);
  aws.groups.set('fleet-workers', instances(1));
  aws.failures.push(throttled);
  expect(await discoverInstances(clients, 'fleet-workers', signal())).toHaveLength(1);
});

test.each<[string, FakeFailure]>([
  ['AccessDenied', { status: 403, code: 'AccessDenied', message: 'not authorized' }],
  ['InternalFailure', { status: 500, code: 'InternalFailure', message: 'try later' }],
])('an error of the service is thrown with its code %s', async (code, failure) => {
  await using aws = await FakeAws.start();
  using clients = clientsOf(aws);
  aws.groups.set('fleet-workers', instances(1));
  aws.failures.push(failure, failure);
  await expect(discoverInstances(clients, 'fleet-workers', signal())).rejects.toMatchObject({ name: code });
});
