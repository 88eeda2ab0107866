import { Match } from 'aws-cdk-lib/assertions';
import { balanced, devFleet, existingVpc } from '../support/dev-fleet.ts';
import { fleetTemplates } from '../support/fleet-templates.ts';
import { waysIn } from '../support/reachability.ts';

const network = fleetTemplates(devFleet({}))['network']!;

test('S3 traffic, which carries the weights, does not go through the NAT gateway', () => {
  network.hasResourceProperties('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Gateway' });
});

test('has the NAT gateways that the config asks for, and private subnets without a way out where it asks for none', () => {
  network.resourceCountIs('AWS::EC2::NatGateway', 1);
  const isolated = fleetTemplates(devFleet({ network: { natGateways: 0 } }))['network']!;
  isolated.resourceCountIs('AWS::EC2::NatGateway', 0);
  const routes = Object.entries(isolated.findResources('AWS::EC2::Route')).filter(([id]) => id.includes('Private'));
  expect(routes).toEqual([]);
});

test('machines are in the same subnets with a NAT gateway and without', () => {
  const subnetsOf = (natGateways: number) =>
    JSON.stringify(
      Object.values(
        fleetTemplates(devFleet({ network: { natGateways } }))['workers-small']!.findResources(
          'AWS::AutoScaling::AutoScalingGroup',
        ),
      )[0]!['Properties'].VPCZoneIdentifier,
    );
  expect(subnetsOf(0)).toBe(subnetsOf(1));
});

test('no machine gets a public address by default', () => {
  network.allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: false });
});

test('rejected connections are kept on record as long as logs are, unless the config says otherwise', () => {
  network.hasResourceProperties('AWS::EC2::FlowLog', { TrafficType: 'REJECT', ResourceType: 'VPC' });
  network.hasResourceProperties('AWS::Logs::LogGroup', {
    LogGroupName: '/sglang-fleet/sglang-dev/rejected-connections',
    RetentionInDays: 14,
  });
  fleetTemplates(devFleet({ network: { flowLogs: false } }))['network']!.resourceCountIs('AWS::EC2::FlowLog', 0);
});

test('interface endpoints are those of the config, in private subnets, reached by machines of the VPC alone', () => {
  const templates = fleetTemplates(devFleet({ network: { endpoints: ['ssm', 'secretsmanager', 'ecr'] } }));
  const endpoints = Object.values(templates['network']!.findResources('AWS::EC2::VPCEndpoint'))
    .map(({ Properties }) => Properties)
    .filter(({ VpcEndpointType }) => VpcEndpointType === 'Interface');
  const services = endpoints.map(({ ServiceName }) => String(ServiceName).split('.').slice(3).join('.'));
  expect(services.sort()).toEqual(['ec2messages', 'ecr.api', 'ecr.dkr', 'secretsmanager', 'ssm', 'ssmmessages']);
  for (const { PrivateDnsEnabled, SubnetIds } of endpoints) {
    expect(PrivateDnsEnabled).toBe(true);
    expect(JSON.stringify(SubnetIds).match(/PrivateSubnet/g)).toHaveLength(2);
  }
  expect(waysIn(templates).filter(({ to }) => to === 'Endpoints')).toEqual([
    { from: '10.40.0.0/16', to: 'Endpoints', port: 443 },
  ]);
});

describe('in a VPC that is there already', () => {
  const endpoints = ['logs'] as const;
  const routers = balanced('network', { internetFacing: true });
  const fleet = devFleet({ network: { existing: existingVpc, endpoints: [...endpoints] }, routers });
  const templates = fleetTemplates(fleet);

  test('nothing of the network is made, nor anybody asked about it', () => {
    for (const type of ['VPC', 'Subnet', 'NatGateway', 'InternetGateway', 'RouteTable']) {
      templates['network']!.resourceCountIs(`AWS::EC2::${type}`, 0);
    }
    expect(JSON.stringify(templates['network']!.toJSON())).not.toContain('vpc-12345');
  });

  test('machines are in its private subnets, the load balancer that faces the internet in the public ones', () => {
    templates['router']!.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      VPCZoneIdentifier: existingVpc.privateSubnetIds,
    });
    templates['router']!.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      Scheme: 'internet-facing',
      Subnets: existingVpc.publicSubnetIds,
    });
  });

  test('its own machines, which lose the public name of the service, may use the endpoint too', () => {
    expect(waysIn(templates).filter(({ to }) => to === 'Endpoints')).toEqual([
      { from: '172.20.0.0/16', to: 'Endpoints', port: 443 },
    ]);
  });

  test('its rejected connections are recorded as well', () => {
    templates['network']!.hasResourceProperties('AWS::EC2::FlowLog', { ResourceId: existingVpc.vpcId });
  });

  test('its security groups are of that VPC', () => {
    templates['network']!.allResourcesProperties('AWS::EC2::SecurityGroup', {
      VpcId: Match.exact(existingVpc.vpcId),
    });
  });
});
