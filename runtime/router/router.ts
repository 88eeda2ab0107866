import type { AddressInfo } from 'node:net';
import { realClock } from '../shared/clock.ts';
import type { Logger } from '../shared/log.ts';
import { heartbeatTimeoutMs } from '../shared/protocol.ts';
import { secretsManagerLoader } from '../shared/secrets-manager.ts';
import { Admission } from './admission/admission.ts';
import { noLimits } from './admission/key-meter.ts';
import type { RouterConfig } from './config.ts';
import { Coordinator } from './coordinator/coordinator.ts';
import { followAutoScaling } from './coordinator/follow-auto-scaling.ts';
import { followStore } from './coordinator/follow-store.ts';
import { startLivenessSweep } from './coordinator/liveness.ts';
import { LoadStreams } from './coordinator/load-streams.ts';
import { Prober } from './coordinator/prober.ts';
import { Registry } from './coordinator/registry.ts';
import { RouterAnnouncer } from './coordinator/router-announcer.ts';
import { priorBytesPerToken, type Worker } from './coordinator/worker.ts';
import { sha256Of } from './keys/api-key.ts';
import { openKeyRing } from './keys/open-key-ring.ts';
import { observeRouterEngine } from './managed/engine-metrics.ts';
import { engineView } from './managed/engine-view.ts';
import { ManagedRouter } from './managed/managed-router.ts';
import { RouterMetrics } from './metrics.ts';
import { createPolicy } from './policy/policies.ts';
import { TokenEstimate } from './policy/token-estimate.ts';
import { Relay } from './relay/relay.ts';
import { createAdminServer } from './routes/admin.ts';
import { openGroupScaling } from './scaling/group-scaling.ts';
import { usualRetrySeconds } from './scaling/retry-after.ts';
import { WorkerGroups } from './scaling/worker-groups.ts';
import { createServer } from './server.ts';
import { hostLocally } from './sessions/local-runner.ts';
import { MessageLimits } from './sessions/message-limits.ts';
import type { LocalRunner } from './sessions/runner-backends.ts';
import { createSessionService } from './sessions/session-service.ts';
import { Store } from './store/store.ts';
import { followListenerTls, listenerTlsFiles, loadEngineTls, loadListenerTls } from './tls.ts';

export interface RunningRouter {
  readonly url: string;
  /** Stops taking requests, waits for answers in flight (at most the configured drain), closes everything. */
  close(): Promise<void>;
}

/** What this process does beside routing. */
export interface RouterExtras {
  /** Sandboxes in this process, for a fleet of one machine. They end with the router. */
  readonly local?: LocalRunner;
}

/** Starts a router: keys, store, registry and its sources, relay, HTTP surface. Shut-down is this list reversed. */
export async function startRouter(
  config: RouterConfig,
  log: Logger,
  extras: RouterExtras = {},
): Promise<RunningRouter> {
  const stop = new AbortController();
  const { signal } = stop;
  const tlsFiles = listenerTlsFiles(config.tlsCert, config.tlsKey);
  const tls = tlsFiles && (await loadListenerTls(tlsFiles));
  const engineTls = await loadEngineTls({ caFile: config.engineCa, isInsecure: config.engineInsecure });
  const loadSecret = secretsManagerLoader({ region: config.region });
  const keys = await openKeyRing({ file: config.apiKeysFile, list: config.apiKeys, loadSecret, log, signal });

  if (extras.local?.apiKey !== undefined && !keys.isOpen) {
    const sha256 = sha256Of(extras.local.apiKey);
    keys.replace('local sandboxes', [{ keyId: 'local-sandboxes', scopes: ['inference'], limits: noLimits, sha256 }]);
  }
  if (extras.local && config.databaseUrl !== undefined) {
    throw new Error(
      'Sandboxes in the router are for a fleet of one: other routers cannot reach them. Drop --database-url.',
    );
  }
  const { dataDir, databaseUrl, databaseSecret } = config;
  const store = await Store.open({ dataDir, databaseUrl, databaseSecret, loadSecret, log });
  const access = { tls: engineTls, apiKey: config.engineApiKey, hidesClientKeys: !keys.isOpen };
  const groups = new WorkerGroups(config.workerGroups);
  const registry = new Registry(log, 1024 * 1024 * config.prefixMemoryMb, access, groups.models);
  const managed =
    config.managed && (await ManagedRouter.open(config.managed, config, registry, access.hidesClientKeys, log));
  const prober = new Prober({ registry, log, timeScale: config.timeScale });
  const { timeScale } = config;
  const coordinator = new Coordinator(registry, store, log, heartbeatTimeoutMs / timeScale);
  await coordinator.start(Date.now());
  for (const url of config.workerUrls) registry.addStatic(url);
  const loads = new LoadStreams({
    ...{ runners: coordinator.runners, secret: config.internalSecret, timeScale, log },
    onReport: (runnerId, report, isNewState) => coordinator.hearLoad(runnerId, report, isNewState, Date.now()),
  });
  const stopStore = followStore(coordinator, store.database, timeScale, log);
  const announcer = new RouterAnnouncer({ runnerPort: config.runnerPort, secret: config.internalSecret, log });
  const followed = config.workerGroups.map(({ groupName }) =>
    followAutoScaling(groupName, { ...config, announcer }, registry, log),
  );

  const metrics = new RouterMetrics(groups.count);
  metrics.observeWorkers(() => registry.workers);
  observeRouterEngine(metrics.registry, () => engineView(managed, registry));
  const sessions = createSessionService({
    ...{ store, coordinator, registry, metrics, log },
    secret: config.internalSecret,
    local: extras.local,
    turnTimeoutMs: 1_000 * config.turnTimeoutSeconds,
    idleMs: 1_000 * config.sessionIdleSeconds,
    endAfterMs: 1_000 * config.sessionEndSeconds,
    retentionMs: config.sessionRetentionHours === 0 ? undefined : 3_600_000 * config.sessionRetentionHours,
    maxPerKey: config.maxSessionsPerKey,
  });
  const stopLocal = extras.local && (await hostLocally(extras.local, coordinator, log, timeScale));
  const stopSweep = startLivenessSweep({
    sweep: async (nowMs) => {
      if (!store.database.isAvailable) return;
      await coordinator.sweep(nowMs);
      await sessions.sweep(nowMs);
    },
    onStandstill: (nowMs) => coordinator.noteStandstill(nowMs),
    timeScale,
    log,
  });
  const admission = new Admission<Worker>(
    {
      maxConcurrent: config.maxConcurrentRequests,
      maxConcurrentPerWorker: config.maxConcurrentPerWorker,
      queueRequests: config.queueSize,
      queueBytes: config.queueBytes,
      queueTimeoutMs: 1_000 * config.queueTimeoutSeconds,
    },
    realClock(config.timeScale),
  );
  registry.on('ready', () => admission.recheck());
  const scalings = openGroupScaling(config, { routerId: coordinator.id, registry, metrics, log });
  const tokens = new TokenEstimate(priorBytesPerToken);
  const relay = new Relay({
    registry,
    managed,
    admission,
    keys,
    log,
    metrics,
    tokens,
    policy: createPolicy(config.policy),
    maxBodyBytes: config.maxBodyBytes,
    holdMs: 1_000 * config.holdSeconds,
    // sglang-router gets bodies as they came: what it would do with the key is its own affair.
    injectRid: config.injectRid && !managed,
    isCappedPerWorker: Number.isFinite(config.maxConcurrentPerWorker),
    timeScale: config.timeScale,
    heartbeatMs: 1_000 * config.heartbeatSeconds,
    groups,
    retryAfterSeconds: (group) => scalings[group]?.retryAfterSeconds() ?? usualRetrySeconds,
  });
  scalings.forEach((scaling, group) => void scaling.start(relay.heldFor(group)));
  const messageLimits = new MessageLimits(admission, tokens);
  const control = { coordinator, store, sessions, messageLimits, metrics, keys, log, tls };
  const parts = { config, relay, managed, registry, ...control };
  const server = await createServer(parts);
  await server.listen(config.port, config.host);
  const admin = config.adminPort === undefined ? undefined : await createAdminServer(parts);
  await admin?.listen({ port: config.adminPort!, host: config.host });
  // Runners call without TLS, as inside a private network.
  const host = isAnyAddress(config.host) ? undefined : config.host;
  if (admin) announcer.start({ port: (admin.server.address() as AddressInfo).port, host });
  else if (!tls) announcer.start({ port: server.address.port, host });
  managed?.start();
  extras.local?.listening?.(urlOf(server.address, 'http', isAnyAddress(config.host) ? '127.0.0.1' : config.host));
  if (tlsFiles) await followListenerTls({ files: tlsFiles, server, log, signal });
  const url = urlOf(server.address, tls ? 'https' : 'http', config.host);
  log.info('router listening', {
    url,
    ...(admin && { adminUrl: urlOf(admin.server.address() as AddressInfo, 'http', config.host) }),
    coordinatorId: coordinator.id,
    engine: engineView(managed, registry).name,
    ...(managed === undefined && { policy: config.policy }),
  });

  return {
    url,
    async close() {
      const drainMs = 1_000 * config.drainSeconds;
      await Promise.all([relay.drain(drainMs), sessions.drain(drainMs)]);
      // Only idle connections are left, or those that outlasted the drain.
      await server.close();
      const adminClosed = admin?.close();
      admin?.server.closeAllConnections();
      await adminClosed;
      relay.close();
      await Promise.all(scalings.map((scaling) => scaling.close()));
      await managed?.close();
      for (const stopFollowing of followed) stopFollowing();
      announcer.close();
      stopSweep();
      await stopStore();
      loads.close();
      await stopLocal?.();
      await sessions.close();
      prober.close();
      registry.close();
      stop.abort();
      await store.close();
    },
  };
}

function isAnyAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function urlOf({ port }: AddressInfo, scheme: string, host: string): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
