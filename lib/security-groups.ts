import { Validations } from 'aws-cdk-lib';
import { type ISecurityGroup, type IVpc, Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { RouterConfig } from './config/schema.ts';
import { ports } from './names.ts';

export interface SecurityGroupsProps {
  readonly vpc: IVpc;
  /** Who may reach the routers, and whether there is a load balancer or a database. */
  readonly routers: RouterConfig;
}

/**
 * Who may open a connection to whom, all of it in one place:
 *
 *     clients → load balancer → routers → engines and runners
 *                               routers → database
 *     workers and operators   → routers' admin port
 *
 * Machines reach AWS and package repositories on 443. Nobody is let in from outside but the networks that the config names.
 */
export class FleetSecurityGroups extends Construct {
  readonly routers: ISecurityGroup;
  readonly workers: ISecurityGroup;
  /** Only where the config has one. */
  readonly loadBalancer: ISecurityGroup | undefined;
  readonly database: ISecurityGroup | undefined;

  constructor(scope: Construct, id: string, props: SecurityGroupsProps) {
    super(scope, id);
    const { loadBalancer, store, allowedNetworks, operatorNetworks } = props.routers;
    const make = (name: string, description: string, allowAllOutbound: boolean) =>
      new SecurityGroup(this, name, { vpc: props.vpc, description, allowAllOutbound });

    const routers = make('Routers', 'Routers of the fleet', false);
    // Weights and packages come from wherever the config says.
    const workers = make('Workers', 'GPU workers of the fleet', true);
    this.routers = routers;
    this.workers = workers;
    routers.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'AWS and package repositories');
    workers.connections.allowFrom(routers, Port.tcp(ports.engine), 'Requests to the engine');
    workers.connections.allowFrom(routers, Port.tcp(ports.runner), 'Runner control');
    routers.connections.allowFrom(workers, Port.tcp(ports.admin), 'Runners register');
    for (const network of operatorNetworks) {
      routers.addIngressRule(Peer.ipv4(network), Port.tcp(ports.admin), `Operators in ${network}`);
    }

    const isBalanced = loadBalancer.kind !== 'none';
    const entrance = isBalanced ? make('LoadBalancer', 'Load balancer of the routers', false) : routers;
    const entrancePort = isBalanced ? listenerPort(props.routers) : ports.router;
    if (loadBalancer.internetFacing) {
      Validations.of(entrance).acknowledge({
        id: 'AwsSolutions-EC23',
        reason: 'The fleet file wants a public address, which it may have with TLS and API keys only.',
      });
    }
    for (const network of allowedNetworks) {
      entrance.addIngressRule(Peer.ipv4(network), Port.tcp(entrancePort), `Clients in ${network}`);
    }
    if (isBalanced) {
      this.loadBalancer = entrance;
      routers.connections.allowFrom(entrance, Port.tcp(ports.router), 'Requests and health checks');
    }
    if (store.kind === 'aurora') {
      this.database = make('Database', 'Database of the routers', false);
      this.database.connections.allowFrom(routers, Port.tcp(ports.database), 'Sessions');
    }
  }
}

/** Where clients reach the load balancer. */
export function listenerPort({ loadBalancer }: RouterConfig): number {
  return loadBalancer.certificateArn === undefined ? 80 : 443;
}
