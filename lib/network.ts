import {
  GatewayVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { NetworkConfig } from './config/schema.ts';
import { ports } from './names.ts';

export interface NetworkProps {
  readonly config: NetworkConfig;
  /** Networks that may reach the routers' port, besides the workers. */
  readonly allowedNetworks: readonly string[];
}

/**
 * The fleet's VPC and who may talk to whom in it: clients to routers, routers to engines and runners, runners to
 * routers. All machines are in private subnets; S3 traffic, which carries the weights, does not pay for the NAT gateway.
 */
export class Network extends Construct {
  readonly vpc: IVpc;
  readonly routerSecurityGroup: SecurityGroup;
  readonly workerSecurityGroup: SecurityGroup;

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    this.vpc = new Vpc(this, 'Vpc', {
      availabilityZones: [...props.config.availabilityZones],
      ipAddresses: IpAddresses.cidr(props.config.cidr!),
      natGateways: props.config.natGateways!,
      subnetConfiguration: [
        { name: 'Public', subnetType: SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
        { name: 'Private', subnetType: SubnetType.PRIVATE_WITH_EGRESS },
      ],
      gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
    });

    this.routerSecurityGroup = this.#securityGroup('RouterSecurityGroup', 'Routers of the fleet');
    this.workerSecurityGroup = this.#securityGroup('WorkerSecurityGroup', 'GPU workers of the fleet');
    const { routerSecurityGroup: routers, workerSecurityGroup: workers } = this;
    routers.addIngressRule(workers, Port.tcp(ports.router), 'Runners register');
    workers.addIngressRule(routers, Port.tcp(ports.engine), 'Requests to the engine');
    workers.addIngressRule(routers, Port.tcp(ports.runner), 'Runner control');
    for (const network of props.allowedNetworks) {
      routers.addIngressRule(Peer.ipv4(network), Port.tcp(ports.router), `Clients in ${network}`);
    }
  }

  #securityGroup(id: string, description: string): SecurityGroup {
    return new SecurityGroup(this, id, { vpc: this.vpc, description });
  }
}
