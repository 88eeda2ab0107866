import { certificateArn, expectMistakes, secondGroup } from '../../support/config-mistakes.ts';
import type { FieldValues } from '../../support/fleet-file.ts';

const ownVpc = (subnets: string[]): FieldValues => ({
  'network.cidr': undefined,
  'network.natGateways': undefined,
  'network.existing': { vpcId: 'vpc-00000001', cidr: '10.0.0.0/16', privateSubnetIds: subnets },
});

expectMistakes([
  // network
  [
    'a zone of another region',
    'dev',
    { 'network.availabilityZones': ['us-east-1a', 'us-west-2b'] },
    'network.availabilityZones.1',
    /in the region of the fleet, us-east-1/,
  ],
  [
    'a zone twice',
    'dev',
    { 'network.availabilityZones': ['us-east-1a', 'us-east-1a'] },
    'network.availabilityZones.1',
    /once/,
  ],
  [
    'more NAT gateways than zones',
    'dev',
    { 'network.natGateways': 3 },
    'network.natGateways',
    /at most one per availability zone, 2/,
  ],
  [
    'a VPC without room for its subnets',
    'production',
    { 'network.cidr': '10.0.0.0/22' },
    'network.cidr',
    /between \/16.*\/21, which has room for 3 zones/,
  ],
  [
    'a subnet twice',
    'dev',
    ownVpc(['subnet-00000001', 'subnet-00000001']),
    'network.existing.privateSubnetIds',
    /once/,
  ],
  [
    'an address on the internet without public subnets',
    'dev',
    {
      ...ownVpc(['subnet-00000001', 'subnet-00000002']),
      'routers.loadBalancer': { kind: 'network', internetFacing: true, certificateArn },
    },
    'network.existing.publicSubnetIds',
    /^required/,
  ],
  [
    'no way to the internet and no endpoints',
    'dev',
    { 'network.natGateways': 0, 'network.endpoints': ['ssm', 'logs'] },
    'network.endpoints',
    /as well: monitoring, autoscaling, ec2, secretsmanager/,
  ],
  [
    'no way to the internet and weights that are there',
    'dev',
    { 'network.natGateways': 0 },
    'workers.0.weights.from',
    /out of reach: use s3 or image/,
  ],
  [
    'no way to the internet and a container that is there',
    'dev',
    { 'network.natGateways': 0, 'workers.0.sglang.container': `x@sha256:${'a'.repeat(64)}` },
    'workers.0.sglang.container',
    /endpoint ecr/,
  ],
  // names
  ['two groups of one name', 'dev', secondGroup({ name: 'small' }), 'workers.1.name', /another group has this name/],
  [
    'two schedules of one name',
    'dev',
    { 'workers.0.schedules': [1, 2].map((min) => ({ name: 'day', cron: '0 8 * * *', min })) },
    'workers.0.schedules.1.name',
    /another schedule/,
  ],
]);
