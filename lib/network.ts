import { Annotations, Validations } from 'aws-cdk-lib';
import {
  FlowLog,
  FlowLogDestination,
  FlowLogResourceType,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { NetworkConfig, RouterConfig } from './config/schema.ts';
import { FleetLogGroup } from './fleet-log-group.ts';
import { InterfaceEndpoints } from './interface-endpoints.ts';
import { FleetSecurityGroups } from './security-groups.ts';

export interface NetworkProps {
  readonly config: NetworkConfig;
  readonly routers: RouterConfig;
  /** Log group of rejected connections. */
  readonly flowLogGroupName: string;
  readonly logRetentionDays: number;
}

/** Where machines, the database and internal load balancers are, in a new VPC and in one that was there. */
export const privateSubnets: SubnetSelection = { subnetGroupName: 'Private' };
export const publicSubnets: SubnetSelection = { subnetGroupName: 'Public' };

/**
 * The fleet's VPC, or one that is there already, and who may talk to whom in it. All machines are in private subnets; S3
 * traffic, which carries the weights, does not pay for the NAT gateway.
 */
export class Network extends Construct {
  readonly vpc: IVpc;
  readonly securityGroups: FleetSecurityGroups;

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    const { config, routers } = props;
    this.vpc = config.existing ? existingVpc(this, config) : newVpc(this, config);
    this.securityGroups = new FleetSecurityGroups(this, 'SecurityGroups', { vpc: this.vpc, routers });
    if (config.endpoints.length > 0) {
      new InterfaceEndpoints(this, 'Endpoints', {
        vpc: this.vpc,
        subnets: privateSubnets,
        cidr: config.existing?.cidr ?? config.cidr!,
        services: config.endpoints,
      });
    }
    if (config.flowLogs) {
      const { logGroup } = new FleetLogGroup(this, 'RejectedConnections', {
        logGroupName: props.flowLogGroupName,
        retentionDays: props.logRetentionDays,
      });
      new FlowLog(this, 'FlowLog', {
        resourceType: FlowLogResourceType.fromVpc(this.vpc),
        trafficType: FlowLogTrafficType.REJECT,
        destination: FlowLogDestination.toCloudWatchLogs(logGroup),
      });
    } else {
      Validations.of(this).acknowledge({ id: 'AwsSolutions-VPC7', reason: 'The fleet file wants no flow logs.' });
    }
  }
}

function newVpc(scope: Construct, config: NetworkConfig): IVpc {
  return new Vpc(scope, 'Vpc', {
    availabilityZones: [...config.availabilityZones],
    ipAddresses: IpAddresses.cidr(config.cidr!),
    natGateways: config.natGateways!,
    subnetConfiguration: [
      { name: 'Public', subnetType: SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
      {
        name: 'Private',
        subnetType: config.natGateways === 0 ? SubnetType.PRIVATE_ISOLATED : SubnetType.PRIVATE_WITH_EGRESS,
      },
    ],
    gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
  });
}

/** By its ids: nobody is asked about it, so that the templates are the same on every machine. */
function existingVpc(scope: Construct, { availabilityZones, existing }: NetworkConfig): IVpc {
  const { vpcId, cidr, privateSubnetIds, publicSubnetIds } = existing!;
  const vpc = Vpc.fromVpcAttributes(scope, 'Vpc', {
    vpcId,
    vpcCidrBlock: cidr,
    availabilityZones: [...availabilityZones],
    privateSubnetIds: [...privateSubnetIds],
    ...(publicSubnetIds.length > 0 && { publicSubnetIds: [...publicSubnetIds] }),
  });
  const reason = 'Routes of a VPC that was there are left to whoever made it.';
  Annotations.of(vpc).acknowledgeWarning('@aws-cdk/aws-ec2:noSubnetRouteTableId', reason);
  return vpc;
}
