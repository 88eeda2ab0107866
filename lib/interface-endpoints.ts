import {
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  type SubnetSelection,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { EndpointService } from './config/schema.ts';

export interface InterfaceEndpointsProps {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  /** Addresses of the VPC. */
  readonly cidr: string;
  readonly services: readonly EndpointService[];
}

const aws = InterfaceVpcEndpointAwsService;
/** What a service is made of, by the name of each part's construct. */
const parts: Record<EndpointService, Readonly<Record<string, InterfaceVpcEndpointAwsService>>> = {
  ssm: { Ssm: aws.SSM, SsmMessages: aws.SSM_MESSAGES, Ec2Messages: aws.EC2_MESSAGES },
  logs: { Logs: aws.CLOUDWATCH_LOGS },
  monitoring: { Monitoring: aws.CLOUDWATCH_MONITORING },
  autoscaling: { AutoScaling: aws.AUTOSCALING },
  ec2: { Ec2: aws.EC2 },
  secretsmanager: { SecretsManager: aws.SECRETS_MANAGER },
  ecr: { Ecr: aws.ECR, EcrDocker: aws.ECR_DOCKER },
};

/**
 * Ways to AWS services that do not leave the VPC. An endpoint answers to the service's own name in the whole VPC, so that
 * the whole VPC may reach it: in one that others use too, their machines would lose the service otherwise.
 */
export class InterfaceEndpoints extends Construct {
  constructor(scope: Construct, id: string, props: InterfaceEndpointsProps) {
    super(scope, id);
    const { vpc, subnets, services } = props;
    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'Endpoints of AWS services',
      allowAllOutbound: false,
    });
    securityGroup.addIngressRule(Peer.ipv4(props.cidr), Port.tcp(443), 'Machines in the VPC');
    for (const [name, service] of services.flatMap((service) => Object.entries(parts[service]))) {
      new InterfaceVpcEndpoint(this, name, { vpc, subnets, service, securityGroups: [securityGroup], open: false });
    }
  }
}
