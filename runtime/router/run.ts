import { createLogger } from '../shared/log.ts';
import { resolveSecret } from '../shared/secret-reference.ts';
import { secretsManagerLoader } from '../shared/secrets-manager.ts';
import { closeOnSignals } from '../shared/shutdown.ts';
import type { RouterConfig } from './config.ts';
import { keepRequestsYoung } from './keep-requests-young.ts';
import { startRouter } from './router.ts';

/** Runs a router as this process: logs to stdout, drains on SIGTERM. */
export async function runRouter(given: RouterConfig): Promise<void> {
  keepRequestsYoung();
  const log = createLogger({ service: 'router', level: given.logLevel });
  try {
    const loadSecret = secretsManagerLoader({ region: given.region });
    const config = { ...given, internalSecret: await resolveSecret(given.internalSecret, loadSecret) };
    const local =
      config.localSandboxes > 0
        ? await (await import('./sessions/local-sandboxes.ts')).openLocalSandboxes(config, log)
        : undefined;
    const router = await startRouter(config, log, { ...(local && { local }) });
    closeOnSignals({ log, close: () => router.close(), deadlineMs: 1_000 * config.drainSeconds + 5_000 });
  } catch (error) {
    log.error('router failed to start', { error });
    process.exit(1);
  }
}
