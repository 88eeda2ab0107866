import type { FleetConfig, NetworkConfig, RouterConfig } from '../../lib/config/schema.ts';
import { devConfig } from './fleet-templates.ts';

type Change<T> = Partial<Omit<T, 'store' | 'loadBalancer'>> & {
  readonly store?: Partial<RouterConfig['store']>;
  readonly loadBalancer?: Partial<RouterConfig['loadBalancer']>;
};

/** The dev fleet with fields of its network and its routers changed; an `existing` VPC takes the place of the new one. */
export function devFleet(change: { network?: Partial<NetworkConfig>; routers?: Change<RouterConfig> }): FleetConfig {
  const dev = devConfig();
  const { store, loadBalancer, ...routers } = change.routers ?? {};
  const isNew = change.network?.existing === undefined;
  return {
    ...dev,
    network: { ...dev.network, ...(!isNew && { cidr: undefined, natGateways: undefined }), ...change.network },
    routers: {
      ...dev.routers,
      ...routers,
      store: { ...dev.routers.store, ...store },
      loadBalancer: { ...dev.routers.loadBalancer, ...loadBalancer },
    },
  };
}

export const certificateArn = 'arn:aws:acm:us-east-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef';
/** Two routers behind a load balancer, with a database. */
export const balanced = (kind: 'network' | 'application', loadBalancer: Partial<RouterConfig['loadBalancer']> = {}) =>
  ({ count: 2, store: { kind: 'aurora' }, loadBalancer: { kind, ...loadBalancer } }) as const;
export const existingVpc = {
  vpcId: 'vpc-0123456789abcdef0',
  cidr: '172.20.0.0/16',
  privateSubnetIds: ['subnet-0000000000000000a', 'subnet-0000000000000000b'],
  publicSubnetIds: ['subnet-0000000000000001a', 'subnet-0000000000000001b'],
};
