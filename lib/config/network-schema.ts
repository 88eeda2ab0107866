import { z } from 'zod';
import { availabilityZone, count, ipv4Network, section, text } from './fields.ts';

const subnetIds = z.array(text(/^subnet-[0-9a-f]{8,17}$/, 'write subnet ids such as subnet-0123456789abcdef0'));

/** Services that machines reach without leaving the VPC. S3 always has its free gateway. */
export const endpointServices = ['ssm', 'logs', 'monitoring', 'autoscaling', 'ec2', 'secretsmanager', 'ecr'] as const;

export type EndpointService = (typeof endpointServices)[number];

export const networkSchema = section({
  availabilityZones: z
    .array(availabilityZone)
    .min(2)
    .max(6)
    .describe('Zones of the fleet. Named here, so that making the templates needs no look-up and no account.'),
  cidr: ipv4Network.optional().describe('Addresses of a new VPC.'),
  natGateways: count(0, 6)
    .optional()
    .describe(
      'Gateways of a new VPC, through which workers fetch SGLang and weights. 1 is cheapest, one per zone survives the loss of a zone, 0 needs images and weights from S3 and all endpoints.',
    ),
  existing: section({
    vpcId: text(/^vpc-[0-9a-f]{8,17}$/, 'write a VPC id such as vpc-0123456789abcdef0').describe('Id of the VPC.'),
    cidr: ipv4Network.describe('Its addresses.'),
    privateSubnetIds: subnetIds.min(2).describe('One per availability zone, in the same order.'),
    publicSubnetIds: subnetIds.default([]).describe('Needed only for a load balancer that faces the internet.'),
  })
    .optional()
    .describe('A VPC that is there already, instead of a new one.'),
  endpoints: z
    .array(z.enum(endpointServices))
    .default([])
    .describe('Interface endpoints, paid per zone and hour; without one the traffic takes the NAT gateway.'),
  flowLogs: z.boolean().default(true).describe('Keep a record of rejected connections.'),
}).refine(
  ({ cidr, natGateways, existing }) => (existing === undefined) === (cidr !== undefined && natGateways !== undefined),
  {
    error: 'give either cidr and natGateways for a new VPC, or existing',
  },
);
export type NetworkConfig = z.infer<typeof networkSchema>;
