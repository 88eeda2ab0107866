import type { FleetConfig } from './config/schema.ts';

export { metricNamespace } from '../runtime/shared/cloudwatch/namespace.ts';

/**
 * Names that stacks and daemons agree on. They follow from the fleet's name alone, so that a stack can speak of a group,
 * a secret or a log group of another one without a reference that would tie their deployments together, and so that
 * permissions are scoped to a group without a circular dependency.
 */
export function fleetNames({ name }: Pick<FleetConfig, 'name'>) {
  return {
    fleet: name,
    stack: (part: string) => `${name}-${part}`,
    routerGroup: `${name}-router`,
    workerGroup: (group: string) => `${name}-workers-${group}`,
    routerLogs: `/sglang-fleet/${name}/router`,
    workerLogs: (group: string) => `/sglang-fleet/${name}/workers-${group}`,
    rejectedConnectionLogs: `/sglang-fleet/${name}/rejected-connections`,
    /** Secret by which routers and workers know each other. */
    internalSecret: `sglang-fleet/${name}/internal`,
    /** Secret with the API keys of clients, unless the config names another one. */
    apiKeysSecret: `sglang-fleet/${name}/api-keys`,
    dashboard: name,
  };
}
export type FleetNames = ReturnType<typeof fleetNames>;

/** Ports of DESIGN section 1; `admin` is the routers' second listener, for runners and operators. */
export const ports = { router: 8_000, admin: 8_001, runner: 4_200, engine: 7_999, database: 5_432 } as const;

/** The hook that keeps a machine out of service until it can serve. */
export const launchHook = 'fleet-launch';
/** The hook that lets a machine finish its work before its group ends it. */
export const terminateHook = 'fleet-terminate';
