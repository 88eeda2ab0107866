import type { Logger } from '../../shared/log.ts';
import { type DiscoveryClients, discoverInstances } from './discovery.ts';
import { createDiscoveryClients } from './discovery-clients.ts';
import { runDiscoveryLoop } from './discovery-loop.ts';
import type { Registry } from './registry.ts';
import type { RouterAnnouncer } from './router-announcer.ts';

export interface FollowOptions {
  /** Port of the engines on the group's instances. */
  readonly enginePort: number;
  /** AWS region; undefined asks the instance metadata. */
  readonly region: string | undefined;
  readonly timeScale: number;
  /** Tells the instances' runners where this router is. @default - they are told some other way */
  readonly announcer?: RouterAnnouncer;
}

/** Keeps what the registry knows of one group equal to the group. @returns the function that ends it */
export function followAutoScaling(
  groupName: string,
  options: FollowOptions,
  registry: Registry,
  log: Logger,
): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  let clients: DiscoveryClients | undefined;
  void runDiscoveryLoop({
    discover: async (lookSignal) => {
      // Made on the first look, and inside it: a region that cannot be found is a failure to retry like any other.
      clients ??= await createDiscoveryClients({ region: options.region });
      return discoverInstances(clients, groupName, lookSignal);
    },
    onInstances: (instances) => {
      registry.applyInstances(
        groupName,
        instances.map(({ instanceId, privateIp, lifecycleState }) => ({
          instanceId,
          url: `http://${privateIp}:${options.enginePort}`,
          isLeaving: lifecycleState !== 'InService',
        })),
      );
      const serving = instances.filter(({ lifecycleState }) => lifecycleState === 'InService');
      options.announcer?.announceTo(
        groupName,
        serving.map(({ privateIp }) => privateIp),
      );
    },
    log,
    signal,
    timeScale: options.timeScale,
  });
  return () => stop.abort();
}
