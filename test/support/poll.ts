import { setTimeout as delay } from 'node:timers/promises';

/**
 * Calls `look` until it returns something other than undefined or false, and returns that.
 * @param what completes the sentence "Waited in vain until ..."
 */
export async function until<T>(what: string, look: () => T | Promise<T>, deadlineMs = 20_000) {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen as Exclude<T, undefined | false>;
    if (performance.now() > deadline) throw new Error(`Waited in vain until ${what} (${deadlineMs} ms).`);
    await delay(20);
  }
}
