import { createLogger } from '../shared/log.ts';
import { closeOnSignals } from '../shared/shutdown.ts';
import type { RouterConfig } from './config.ts';
import { keepRequestsYoung } from './keep-requests-young.ts';
import { startRouter } from './router.ts';

/** Runs a router as this process: logs to stdout, drains on SIGTERM. */
export async function runRouter(config: RouterConfig): Promise<void> {
  keepRequestsYoung();
  const log = createLogger({ service: 'router', level: config.logLevel });
  try {
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
