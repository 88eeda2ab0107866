import type { RouterConfig } from '../../runtime/router/config.ts';
import { noKeys } from '../../runtime/router/keys/key-list.ts';
import { startRouter } from '../../runtime/router/router.ts';
import { createLogger } from '../../runtime/shared/log.ts';
import type { FleetView } from '../../runtime/shared/protocol.ts';
import { eventually } from './eventually.ts';

export interface TestRouter extends AsyncDisposable {
  readonly url: string;
  /** Log lines so far, parsed. */
  readonly logged: { readonly msg: string; readonly [field: string]: unknown }[];
  fleet(): Promise<FleetView>;
  /** The metrics page. */
  metrics(): Promise<string>;
  chat(body: object | string, init?: RequestInit): Promise<Response>;
}

/** What a router in a test is told: nothing is known, nothing is configured, everything is in memory. */
export function testRouterConfig(config: Partial<RouterConfig> = {}): RouterConfig {
  return {
    port: 0,
    host: '127.0.0.1',
    workerUrls: [],
    policy: 'predicted-ttft',
    managed: undefined,
    dataDir: undefined,
    localSandboxes: 0,
    agents: undefined,
    databaseUrl: undefined,
    databaseSecret: undefined,
    sessionIdleSeconds: 1_800,
    sessionEndSeconds: 604_800,
    sessionRetentionHours: 720,
    maxSessionsPerKey: 10_000,
    turnTimeoutSeconds: 60,
    workerGroups: [],
    region: undefined,
    startWorkers: 1,
    publish: undefined,
    metricNamespace: undefined,
    emfFile: undefined,
    enginePort: 7_999,
    runnerPort: 4_200,
    internalSecret: undefined,
    maxBodyBytes: 1024 * 1024,
    holdSeconds: 10,
    injectRid: true,
    adminPort: undefined,
    apiKeys: noKeys,
    apiKeysFile: undefined,
    maxConcurrentRequests: Number.POSITIVE_INFINITY,
    maxConcurrentPerWorker: Number.POSITIVE_INFINITY,
    queueSize: 1_000,
    queueBytes: 64 * 1024 * 1024,
    queueTimeoutSeconds: 10,
    tlsCert: undefined,
    tlsKey: undefined,
    engineCa: undefined,
    engineInsecure: false,
    engineApiKey: undefined,
    keepAliveSeconds: 910,
    heartbeatSeconds: 15,
    prefixMemoryMb: 16,
    drainSeconds: 5,
    timeScale: 1,
    logLevel: 'debug',
    ...config,
  };
}

/** A real router in this process on a free port; resolves once `ready` workers (all static ones by default) are ready. */
export async function startTestRouter(config: Partial<RouterConfig> = {}, ready?: number): Promise<TestRouter> {
  const logged: TestRouter['logged'] = [];
  const write = (line: string) => void logged.push(JSON.parse(line) as (typeof logged)[number]);
  const log = createLogger({ service: 'router', level: 'debug', write });
  const router = await startRouter(testRouterConfig(config), log);
  const fleet = async () => (await (await fetch(`${router.url}/api/fleet`)).json()) as FleetView;
  const expected = ready ?? config.workerUrls?.length ?? 0;
  // Health is open on every router, also on one with keys or an admin port.
  await eventually(async () => {
    const health = (await (await fetch(`${router.url}/health`)).json()) as { workers: { ready: number } };
    expect(health.workers.ready).toBe(expected);
  });
  return {
    url: router.url,
    logged,
    fleet,
    metrics: async () => (await fetch(`${router.url}/metrics`)).text(),
    chat: (body, init) =>
      fetch(`${router.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...init,
      }),
    [Symbol.asyncDispose]: () => router.close(),
  };
}
