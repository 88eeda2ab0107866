import type { AddressInfo } from 'node:net';
import { Coordinator } from '../../../runtime/router/coordinator/coordinator.ts';
import { Prober } from '../../../runtime/router/coordinator/prober.ts';
import { Registry } from '../../../runtime/router/coordinator/registry.ts';
import { type KeyList, noKeys } from '../../../runtime/router/keys/key-list.ts';
import { openKeyRing } from '../../../runtime/router/keys/open-key-ring.ts';
import { RouterMetrics } from '../../../runtime/router/metrics.ts';
import { createAdminServer } from '../../../runtime/router/routes/admin.ts';
import type { ServerParts } from '../../../runtime/router/server-parts.ts';
import { Store } from '../../../runtime/router/store/store.ts';
import { plainAccess } from '../../../runtime/router/upstream/engine-client.ts';
import { createLogger } from '../../../runtime/shared/log.ts';

export interface TestAdminServer extends AsyncDisposable {
  readonly url: string;
  readonly registry: Registry;
  call(method: string, path: string, init?: RequestInit): Promise<{ status: number; text: string; headers: Headers }>;
}

/** The second listener of a router, on a free port, with a real registry and prober; no relay runs beside it. */
export async function startTestAdminServer(
  options: { readonly keys?: KeyList; readonly internalSecret?: string } = {},
): Promise<TestAdminServer> {
  const log = createLogger({ service: 'test', level: 'silent' });
  const registry = new Registry(log, 1024 * 1024, plainAccess);
  const prober = new Prober({ registry, log, timeScale: 1 });
  const store = await Store.open();
  const keys = await openKeyRing({
    file: undefined,
    list: options.keys ?? noKeys,
    loadSecret: () => Promise.reject(new Error('no secrets here')),
    log,
    signal: AbortSignal.abort(),
  });
  const parts = {
    config: { policy: 'round-robin', internalSecret: options.internalSecret },
    relay: { isDraining: false },
    registry,
    coordinator: new Coordinator(registry, store, log),
    store,
    metrics: new RouterMetrics(),
    log,
    keys,
  } as unknown as ServerParts;
  const app = await createAdminServer(parts);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  return {
    url,
    registry,
    async call(method, path, init) {
      const response = await fetch(`${url}${path}`, { method, ...init });
      return { status: response.status, text: await response.text(), headers: response.headers };
    },
    async [Symbol.asyncDispose]() {
      app.server.closeAllConnections();
      await app.close();
      prober.close();
      registry.close();
      await store.close();
    },
  };
}
