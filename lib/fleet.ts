import { type App, Stack, Tags } from 'aws-cdk-lib';
import type { FleetConfig, WorkerGroupConfig } from './config/schema.ts';
import { FleetDashboard } from './fleet-dashboard.ts';
import { fleetNames } from './names.ts';
import { Network } from './network.ts';
import { RouterGroup } from './router-group.ts';
import { WorkerGroup } from './worker-group.ts';

/** Makes the stacks of one fleet: network, router, one per worker group, dashboard. */
export function addFleet(app: App, config: FleetConfig): void {
  const names = fleetNames(config);
  const makeStack = (part: string, description: string): Stack => {
    const env = { region: config.region, ...(config.account !== undefined && { account: config.account }) };
    const stack = new Stack(app, names.stack(part), {
      description: `${description} of the SGLang fleet ${config.name}`,
      env,
    });
    for (const [key, value] of Object.entries({ fleet: config.name, ...config.tags })) Tags.of(stack).add(key, value);
    return stack;
  };

  const { vpc, routerSecurityGroup, workerSecurityGroup } = new Network(makeStack('network', 'Network'), 'Network', {
    config: config.network,
    allowedNetworks: config.routers.allowedNetworks,
  });

  const logRetentionDays = config.logs.retentionDays;
  for (const group of config.workers) {
    new WorkerGroup(makeStack(`workers-${group.name}`, 'GPU workers'), 'WorkerGroup', {
      config: group,
      agents: config.agents,
      vpc,
      securityGroup: workerSecurityGroup,
      groupName: names.workerGroup(group.name),
      logGroupName: names.workerLogs(group.name),
      logRetentionDays,
    });
  }

  const [workers] = config.workers as [WorkerGroupConfig];
  new RouterGroup(makeStack('router', 'Router'), 'RouterGroup', {
    config: config.routers,
    vpc,
    securityGroup: routerSecurityGroup,
    groupName: names.routerGroup,
    logGroupName: names.routerLogs,
    logRetentionDays,
    workers: { groupName: names.workerGroup(workers.name), mayBeNone: workers.min === 0 },
  });

  new FleetDashboard(makeStack('dashboard', 'Dashboard'), 'FleetDashboard', {
    dashboardName: names.dashboard,
    routerGroupName: names.routerGroup,
    workerGroupNames: config.workers.map((group) => names.workerGroup(group.name)),
    logGroupNames: [names.routerLogs, ...config.workers.map((group) => names.workerLogs(group.name))],
  });
}
