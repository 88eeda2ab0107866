import type { Template } from 'aws-cdk-lib/assertions';
import type { FleetConfig } from '../../lib/config/schema.ts';
import { devConfig, fleetTemplates } from '../support/fleet-templates.ts';

const config = devConfig();
const network = fleetTemplates(config)['network']!;

interface Ingress {
  readonly to: string;
  readonly from: string;
  readonly port: number;
}

/** Every way into a security group, whether written as a resource or inline. */
function ingressOf(template: Template): Ingress[] {
  const groupName = (reference: unknown) => /(Router|Worker)SecurityGroup/.exec(JSON.stringify(reference))?.[1];
  const rules = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).map(({ Properties }) => ({
    to: groupName(Properties.GroupId)!,
    from: groupName(Properties.SourceSecurityGroupId)!,
    port: Properties.FromPort,
  }));
  const inline = Object.entries(template.findResources('AWS::EC2::SecurityGroup')).flatMap(([id, { Properties }]) =>
    (Properties.SecurityGroupIngress ?? []).map((rule: { CidrIp: string; FromPort: number }) => ({
      to: groupName(id)!,
      from: rule.CidrIp,
      port: rule.FromPort,
    })),
  );
  return [...rules, ...inline].sort((a, b) => a.port - b.port);
}

test('only routers reach engines and runners, and only workers reach the router', () => {
  expect(ingressOf(network)).toEqual([
    { to: 'Worker', from: 'Router', port: 4200 },
    { to: 'Worker', from: 'Router', port: 7999 },
    { to: 'Router', from: 'Worker', port: 8000 },
  ]);
});

test('networks that the config allows reach the router and nothing else', () => {
  const open: FleetConfig = { ...config, routers: { ...config.routers, allowedNetworks: ['10.0.0.0/8'] } };
  expect(ingressOf(fleetTemplates(open)['network']!).filter((rule) => rule.from === '10.0.0.0/8')).toEqual([
    { to: 'Router', from: '10.0.0.0/8', port: 8000 },
  ]);
});

test('S3 traffic, which carries the weights, does not go through the NAT gateway', () => {
  network.hasResourceProperties('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Gateway' });
});

test('has the NAT gateways that the config asks for', () => {
  network.resourceCountIs('AWS::EC2::NatGateway', 1);
});

test('no machine gets a public address by default', () => {
  network.allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: false });
});
