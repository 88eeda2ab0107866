import { Duration, Validations } from 'aws-cdk-lib';
import type { AutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling';
import type { ISecurityGroup, IVpc } from 'aws-cdk-lib/aws-ec2';
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ApplicationTargetGroup,
  type BaseLoadBalancer,
  ListenerCertificate,
  NetworkLoadBalancer,
  NetworkTargetGroup,
  Protocol,
  TargetGroupLoadBalancingAlgorithmType,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { AccessLogBucket } from './access-log-bucket.ts';
import type { RouterConfig } from './config/schema.ts';
import { ports } from './names.ts';
import { privateSubnets, publicSubnets } from './network.ts';
import { silenceSeconds } from './router-unit.ts';
import { listenerPort } from './security-groups.ts';

export interface RouterLoadBalancerProps {
  readonly config: RouterConfig;
  readonly vpc: IVpc;
  readonly securityGroup: ISecurityGroup;
  /** The routers. */
  readonly group: AutoScalingGroup;
  readonly logRetentionDays: number;
}

/** The router lives and takes requests; whether it has workers is no reason to replace it. */
const healthCheck = {
  protocol: Protocol.HTTP,
  path: '/health',
  port: String(ports.router),
  interval: Duration.seconds(10),
  timeout: Duration.seconds(5),
  healthyThresholdCount: 2,
  unhealthyThresholdCount: 3,
  healthyHttpCodes: '200',
};

/**
 * The one address of all routers. A router that leaves gets no more requests, and those that it has may take as long as the
 * router's own drain.
 */
export class RouterLoadBalancer extends Construct {
  readonly url: string;

  constructor(scope: Construct, id: string, props: RouterLoadBalancerProps) {
    super(scope, id);
    const { kind, certificateArn, accessLogs } = props.config.loadBalancer;
    const loadBalancer =
      kind === 'application' ? applicationLoadBalancer(this, props) : networkLoadBalancer(this, props);
    // A network load balancer keeps a log of TLS connections and of no others.
    if (accessLogs && (kind === 'application' || certificateArn !== undefined)) {
      const { bucket } = new AccessLogBucket(this, 'AccessLogs', { retentionDays: props.logRetentionDays });
      loadBalancer.logAccessLogs(bucket);
    }
    if (!accessLogs) {
      Validations.of(this).acknowledge({ id: 'AwsSolutions-ELB2', reason: 'The fleet file wants no access logs.' });
    }
    const scheme = certificateArn === undefined ? 'http' : 'https';
    this.url = `${scheme}://${loadBalancer.loadBalancerDnsName}`;
  }
}

/** Reads HTTP: one log line a request, a place for a firewall, and the router with the fewest open requests gets the next. */
function applicationLoadBalancer(scope: Construct, props: RouterLoadBalancerProps): BaseLoadBalancer & Logged {
  const { config, vpc, group } = props;
  const { internetFacing, certificateArn } = config.loadBalancer;
  const loadBalancer = new ApplicationLoadBalancer(scope, 'Application', {
    vpc,
    internetFacing,
    vpcSubnets: internetFacing ? publicSubnets : privateSubnets,
    securityGroup: props.securityGroup,
    idleTimeout: Duration.seconds(silenceSeconds(config)),
    dropInvalidHeaderFields: true,
  });
  const targetGroup = new ApplicationTargetGroup(scope, 'Routers', {
    vpc,
    protocol: ApplicationProtocol.HTTP,
    port: ports.router,
    targets: [group],
    deregistrationDelay: Duration.seconds(config.drainSeconds),
    loadBalancingAlgorithmType: TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
    healthCheck,
  });
  loadBalancer.addListener('Listener', {
    port: listenerPort(config),
    protocol: certificateArn === undefined ? ApplicationProtocol.HTTP : ApplicationProtocol.HTTPS,
    ...(certificateArn !== undefined && { certificates: [ListenerCertificate.fromArn(certificateArn)] }),
    // Who may come is the business of its security group.
    open: false,
    defaultTargetGroups: [targetGroup],
  });
  return loadBalancer;
}

/**
 * Passes connections on. Those without TLS may be silent for as long as a request may take; for those with TLS AWS allows
 * 350 s and no other time, and the routers' TCP keep-alive, one packet a minute, keeps both kinds open.
 */
function networkLoadBalancer(scope: Construct, props: RouterLoadBalancerProps): BaseLoadBalancer & Logged {
  const { config, vpc, group } = props;
  const { internetFacing, certificateArn } = config.loadBalancer;
  const loadBalancer = new NetworkLoadBalancer(scope, 'Network', {
    vpc,
    internetFacing,
    vpcSubnets: internetFacing ? publicSubnets : privateSubnets,
    securityGroups: [props.securityGroup],
    // There may be fewer routers than zones.
    crossZoneEnabled: true,
  });
  Validations.of(loadBalancer).acknowledge({
    id: 'AwsSolutions-ELB2',
    reason: 'It sees connections and no requests; the routers log and count those.',
  });
  const targetGroup = new NetworkTargetGroup(scope, 'Routers', {
    vpc,
    protocol: Protocol.TCP,
    port: ports.router,
    targets: [group],
    deregistrationDelay: Duration.seconds(config.drainSeconds),
    // Idle connections of clients would keep a router waiting for its end.
    connectionTermination: true,
    healthCheck,
  });
  loadBalancer.addListener('Listener', {
    port: listenerPort(config),
    defaultTargetGroups: [targetGroup],
    ...(certificateArn === undefined
      ? { protocol: Protocol.TCP, tcpIdleTimeout: Duration.seconds(silenceSeconds(config)) }
      : { protocol: Protocol.TLS, certificates: [ListenerCertificate.fromArn(certificateArn)] }),
  });
  return loadBalancer;
}

type Logged = Pick<ApplicationLoadBalancer, 'logAccessLogs'>;
