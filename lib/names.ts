import type { FleetConfig } from './config/schema.ts';

export { metricNamespace } from '../runtime/shared/cloudwatch/namespace.ts';

/**
 * Names that stacks and daemons agree on. They follow from the fleet's name alone, so that a stack can speak of a group
 * or a log group of another one without a reference that would tie their deployments together, and so that permissions
 * are scoped to a group without a circular dependency.
 */
export function fleetNames({ name }: Pick<FleetConfig, 'name'>) {
  return {
    stack: (part: string) => `${name}-${part}`,
    routerGroup: `${name}-router`,
    workerGroup: (group: string) => `${name}-workers-${group}`,
    routerLogs: `/sglang-fleet/${name}/router`,
    workerLogs: (group: string) => `/sglang-fleet/${name}/workers-${group}`,
    dashboard: name,
  };
}
export type FleetNames = ReturnType<typeof fleetNames>;

/** Ports of DESIGN section 1. */
export const ports = { router: 8_000, runner: 4_200, engine: 7_999 } as const;
