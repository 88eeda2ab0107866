import type { Logger } from '../../shared/log.ts';
import type { Database } from '../store/database.ts';
import type { Coordinator } from './coordinator.ts';

const intervalMs = 2_000;

/**
 * Keeps this coordinator's lease, and learns every 2 s what the others on a shared store know. Rests while the store is
 * down. @returns the function that ends it; it resolves when the last look is over
 */
export function followStore(
  coordinator: Coordinator,
  database: Database,
  timeScale: number,
  log: Logger,
): () => Promise<void> {
  let looking: Promise<void> = Promise.resolve();
  let isLooking = false;
  const look = async () => {
    isLooking = true;
    try {
      await coordinator.keepLease(Date.now());
      if (database.isShared) await coordinator.sync(Date.now());
    } catch (error) {
      if (database.isAvailable) log.error('the store could not be followed', { error });
    } finally {
      isLooking = false;
    }
  };
  const timer = setInterval(() => {
    if (!isLooking && database.isAvailable) looking = look();
  }, intervalMs / timeScale).unref();
  return () => {
    clearInterval(timer);
    return looking;
  };
}
