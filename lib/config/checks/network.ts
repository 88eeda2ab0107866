import { type Finding, type FleetCheck, workerGroups } from '../finding.ts';
import type { FleetConfig } from '../schema.ts';

/** What a machine without a way to the internet must reach through the VPC to boot, to be operated and to be scaled. */
const neededEndpoints = ['ssm', 'logs', 'monitoring', 'autoscaling', 'ec2', 'secretsmanager'] as const;

/** Zones, subnets and gateways go together, and nothing needs an internet that is not there. */
export const checkNetwork: FleetCheck = (fleet) => [
  ...zones(fleet),
  ...newVpc(fleet),
  ...existingVpc(fleet),
  ...withoutInternet(fleet),
];

function zones({ region, network: { availabilityZones } }: FleetConfig): Finding[] {
  return availabilityZones.flatMap((zone, index): Finding[] => {
    const path = ['network', 'availabilityZones', index];
    if (zone.slice(0, -1) !== region) return [{ path, advice: `use zones in the region of the fleet, ${region}` }];
    if (availabilityZones.indexOf(zone) < index) return [{ path, advice: 'name each zone once' }];
    return [];
  });
}

/** Each zone gets a public subnet of 256 addresses and a private one of at least as many. */
function newVpc({ network: { cidr, natGateways, availabilityZones } }: FleetConfig): Finding[] {
  const findings: Finding[] = [];
  if (natGateways !== undefined && natGateways > availabilityZones.length) {
    const advice = `use at most one per availability zone, ${availabilityZones.length}`;
    findings.push({ path: ['network', 'natGateways'], advice });
  }
  if (cidr !== undefined) {
    const prefix = Number(cidr.split('/')[1]);
    const longest = 32 - Math.ceil(Math.log2(availabilityZones.length * 512));
    if (prefix < 16 || prefix > longest) {
      const advice = `use a prefix between /16, the largest VPC, and /${longest}, which has room for ${availabilityZones.length} zones`;
      findings.push({ path: ['network', 'cidr'], advice });
    }
  }
  return findings;
}

function existingVpc({ network: { existing }, routers }: FleetConfig): Finding[] {
  if (existing === undefined) return [];
  const findings: Finding[] = [];
  for (const field of ['privateSubnetIds', 'publicSubnetIds'] as const) {
    const ids = existing[field];
    const path = ['network', 'existing', field];
    if (new Set(ids).size !== ids.length) findings.push({ path, advice: 'name each subnet once' });
  }
  if (routers.loadBalancer.internetFacing && existing.publicSubnetIds.length === 0) {
    const advice = 'required: a load balancer that faces the internet is in public subnets';
    findings.push({ path: ['network', 'existing', 'publicSubnetIds'], advice });
  }
  return findings;
}

function withoutInternet(fleet: FleetConfig): Finding[] {
  const { natGateways, endpoints } = fleet.network;
  if (natGateways !== 0) return [];
  const missing = neededEndpoints.filter((service) => !endpoints.includes(service));
  const findings: Finding[] = [];
  if (missing.length > 0) {
    const advice = `without a NAT gateway machines need these as well: ${missing.join(', ')}`;
    findings.push({ path: ['network', 'endpoints'], advice });
  }
  for (const { group, at } of workerGroups(fleet)) {
    if (group.weights.from === 'huggingface') {
      const advice = 'without a NAT gateway Hugging Face is out of reach: use s3 or image';
      findings.push({ path: at('weights', 'from'), advice });
    }
    if (group.sglang.container !== undefined && !endpoints.includes('ecr')) {
      findings.push({ path: at('sglang', 'container'), advice: 'without a NAT gateway it needs the endpoint ecr' });
    }
  }
  return findings;
}
