import { describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { heartbeatIntervalMs } from '../../shared/protocol.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import type { LocalRunner } from './runner-backends.ts';

/**
 * Makes the sandboxes of this process a runner of the fleet: it registers, beats and is chosen as any other. Its sessions
 * of an earlier run are paused, since their sandboxes ended with it. @returns the function that takes it out again
 */
export async function hostLocally(
  { runnerId, backend }: LocalRunner,
  coordinator: Coordinator,
  log: Logger,
  timeScale: number,
): Promise<() => Promise<void>> {
  await coordinator.deregister(runnerId, Date.now());
  const { maxSandboxes } = await backend.statistics();
  // Nobody calls it over the network.
  await coordinator.register({ runnerId, host: '127.0.0.1', port: 0, maxSandboxes }, Date.now());
  const beat = async () => {
    const { activeCount, warmingCount } = await backend.statistics();
    await coordinator.heartbeat({ runnerId, activeCount, warmingCount }, Date.now());
  };
  const timer = setInterval(
    () => void beat().catch((error: unknown) => log.warn('local heartbeat failed', { detail: describeError(error) })),
    heartbeatIntervalMs / timeScale,
  ).unref();
  return async () => {
    clearInterval(timer);
    await coordinator
      .deregister(runnerId, Date.now())
      .catch((error: unknown) => log.warn('local runner not deregistered', { detail: describeError(error) }));
  };
}
