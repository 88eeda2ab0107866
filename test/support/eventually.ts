import { setTimeout as delay } from 'node:timers/promises';

/** Runs `assertion` again and again until it passes; after `deadlineMs` its last error is the test's. */
export async function eventually(assertion: () => unknown, deadlineMs = 10_000): Promise<void> {
  for (const end = performance.now() + deadlineMs; ; ) {
    try {
      await assertion();
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
      await delay(10);
    }
  }
}
