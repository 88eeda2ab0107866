import { type App, Stack, Tags } from 'aws-cdk-lib';
import type { FleetConfig } from './config/schema.ts';
import { builtImage } from './image-pipeline/built-image.ts';
import { ImagePipeline } from './image-pipeline/image-pipeline.ts';
import { fleetNames } from './names.ts';
import { Network } from './network.ts';
import { FleetOperations } from './operations/fleet-operations.ts';
import { RouterGroup } from './router-group.ts';
import { servedModel } from './served-model.ts';
import { FleetState } from './state.ts';
import { runnerUnitName } from './workers/runner-unit.ts';
import { WorkerGroup } from './workers/worker-group.ts';

/** Makes the stacks of one fleet: network, state, one per worker group, router, operations. */
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

  const logRetentionDays = config.logs.retentionDays;
  const { vpc, securityGroups } = new Network(makeStack('network', 'Network'), 'Network', {
    config: config.network,
    routers: config.routers,
    flowLogGroupName: names.rejectedConnectionLogs,
    logRetentionDays,
  });

  const stateStack = makeStack('state', 'Secrets and store');
  const { store } = new FleetState(stateStack, 'State', { config, names, vpc, securityGroups });
  // Machines read the secrets by their names when they boot.
  const makeMachineStack = (part: string, description: string): Stack => {
    const stack = makeStack(part, description);
    stack.addStackDependency(stateStack);
    return stack;
  };

  for (const group of config.workers) {
    const image = builtImage(group, names, config.region);
    if (image !== undefined) {
      new ImagePipeline(makeStack(`image-${group.name}`, 'Image of the GPU workers'), 'ImagePipeline', {
        config: group,
        image,
        vpc,
        logRetentionDays,
        tags: { fleet: config.name, ...config.tags },
      });
    }
    new WorkerGroup(makeMachineStack(`workers-${group.name}`, 'GPU workers'), 'WorkerGroup', {
      config: group,
      agents: config.agents,
      ...(image !== undefined && { image: { ssmParameter: image.parameterName } }),
      vpc,
      securityGroup: securityGroups.workers,
      internalSecret: names.internalSecret,
      groupName: names.workerGroup(group.name),
      logGroupName: names.workerLogs(group.name),
      logRetentionDays,
    });
  }

  const routerStack = makeMachineStack('router', 'Routers');
  new RouterGroup(routerStack, 'RouterGroup', {
    config: config.routers,
    names,
    vpc,
    securityGroups,
    store,
    logRetentionDays,
    workers: config.workers.map((group) => ({ groupName: names.workerGroup(group.name), model: servedModel(group) })),
  });

  const operationsStack = makeStack('operations', 'Dashboard, alarms and what operators need');
  // Silence wakes somebody: there should be routers first.
  operationsStack.addStackDependency(routerStack);
  new FleetOperations(operationsStack, 'Operations', {
    config,
    names,
    runnerUnit: runnerUnitName,
    databaseCluster: store.kind === 'aurora' ? store.clusterIdentifier : undefined,
  });
}
