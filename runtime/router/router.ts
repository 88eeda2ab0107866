import type { AddressInfo } from 'node:net';
import type { Logger } from '../shared/log.ts';
import type { RouterConfig } from './config.ts';
import { Coordinator } from './coordinator/coordinator.ts';
import { followAutoScaling } from './coordinator/follow-auto-scaling.ts';
import { startLivenessSweep } from './coordinator/liveness.ts';
import { Prober } from './coordinator/prober.ts';
import { Registry } from './coordinator/registry.ts';
import { RouterMetrics } from './metrics.ts';
import { createPolicy } from './policy/policies.ts';
import { Relay } from './relay/relay.ts';
import { createServer } from './server.ts';
import { Store } from './store/store.ts';

export interface RunningRouter {
  readonly url: string;
  /** Stops taking requests, waits for answers in flight (at most the configured drain), closes everything. */
  close(): Promise<void>;
}

/** Starts a router: store, registry and its sources, relay, HTTP surface. Shut-down is this list reversed. */
export async function startRouter(config: RouterConfig, log: Logger): Promise<RunningRouter> {
  const store = await Store.open(config.dataDir);
  const registry = new Registry(log, 1024 * 1024 * config.prefixMemoryMb);
  const prober = new Prober({ registry, log, timeScale: config.timeScale });
  const coordinator = new Coordinator(registry, store, log);
  await coordinator.restore(Date.now());
  for (const url of config.workerUrls) registry.addStatic(url);
  const stopSweep = startLivenessSweep(coordinator, config.timeScale);
  const stopFollowing = config.asg === undefined ? () => {} : followAutoScaling(config.asg, config, registry, log);

  const metrics = new RouterMetrics();
  metrics.observeWorkers(() => registry.workers);
  const relay = new Relay({
    registry,
    log,
    metrics,
    policy: createPolicy(config.policy),
    maxBodyBytes: config.maxBodyBytes,
    holdMs: 1_000 * config.holdSeconds,
    injectRid: config.injectRid,
    timeScale: config.timeScale,
    heartbeatMs: 1_000 * config.heartbeatSeconds,
  });
  const server = await createServer({ config, relay, registry, coordinator, metrics, log });
  await server.listen({ port: config.port, host: config.host });
  const { port } = server.server.address() as AddressInfo;
  const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
  log.info('router listening', { url, coordinatorId: coordinator.id, policy: config.policy });

  return {
    url,
    async close() {
      await relay.drain(1_000 * config.drainSeconds);
      const closed = server.close();
      // Only idle connections are left, or those that outlasted the drain.
      server.server.closeAllConnections();
      await closed;
      relay.close();
      stopFollowing();
      stopSweep();
      prober.close();
      registry.close();
      await store.close();
    },
  };
}
