import type { Template } from 'aws-cdk-lib/assertions';

/** One way into a security group, or out of it. */
export interface Way {
  readonly from: string;
  readonly to: string;
  readonly port: number | 'all';
}

/** Names of our security groups as they stand in logical ids. */
const groupNames = /SecurityGroups(Routers|Workers|LoadBalancer|Database)|Endpoints(SecurityGroup)/;
const nameOf = (reference: unknown): string => {
  const match = groupNames.exec(JSON.stringify(reference));
  if (!match) throw new Error(`no security group of the fleet: ${JSON.stringify(reference)}`);
  return match[1] ?? 'Endpoints';
};

interface Rule {
  readonly CidrIp?: string;
  readonly CidrIpv6?: string;
  readonly SourceSecurityGroupId?: unknown;
  readonly DestinationSecurityGroupId?: unknown;
  readonly GroupId?: unknown;
  readonly FromPort?: number;
  readonly ToPort?: number;
  readonly IpProtocol: string;
}

/** Every way into a security group, written as a resource or inline, whichever stack it stands in. */
export function waysIn(templates: Readonly<Record<string, Template>>): Way[] {
  return rules(templates, 'Ingress').map(({ group, rule }) => ({
    from: rule.SourceSecurityGroupId === undefined ? cidrOf(rule) : nameOf(rule.SourceSecurityGroupId),
    to: group,
    port: portOf(rule),
  }));
}

/** Every way out of one. */
export function waysOut(templates: Readonly<Record<string, Template>>): Way[] {
  return rules(templates, 'Egress').map(({ group, rule }) => ({
    from: group,
    to: rule.DestinationSecurityGroupId === undefined ? cidrOf(rule) : nameOf(rule.DestinationSecurityGroupId),
    port: portOf(rule),
  }));
}

function rules(templates: Readonly<Record<string, Template>>, kind: 'Ingress' | 'Egress') {
  return Object.values(templates).flatMap((template) => [
    ...Object.values(template.findResources(`AWS::EC2::SecurityGroup${kind}`)).map(({ Properties }) => ({
      group: nameOf(Properties.GroupId),
      rule: Properties as Rule,
    })),
    ...Object.entries(template.findResources('AWS::EC2::SecurityGroup')).flatMap(([id, { Properties }]) =>
      ((Properties[`SecurityGroup${kind}`] ?? []) as Rule[]).map((rule) => ({ group: nameOf(id), rule })),
    ),
  ]);
}

function cidrOf({ CidrIp, CidrIpv6 }: Rule): string {
  return CidrIp ?? CidrIpv6!;
}

function portOf({ IpProtocol, FromPort, ToPort }: Rule): number | 'all' {
  if (IpProtocol === '-1') return 'all';
  // The way that says "nothing": ICMP of a type that does not exist, to an address that does not.
  if (FromPort !== ToPort) return Number.NaN;
  return FromPort!;
}
