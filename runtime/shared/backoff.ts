import { setTimeout as delay } from 'node:timers/promises';

/** The waits of DESIGN section 4 for registration, in seconds; the last one repeats. */
export const registrationBackoffSeconds: readonly number[] = [1, 2, 4, 8, 16];

/** Wait before attempt `attempt` + 1, in ms. `attempt` counts failures so far, from 1. */
export function backoffMs(schedule: readonly number[], attempt: number): number {
  return 1_000 * schedule[Math.min(attempt, schedule.length) - 1]!;
}

export interface RetryOptions {
  /** Waits in seconds; the last one repeats for ever. */
  readonly schedule: readonly number[];
  readonly signal: AbortSignal;
  /** Divides every wait: tests and benchmarks only. @default 1 */
  readonly timeScale?: number;
  /** Called with each failure before the wait. */
  readonly onFailure?: (error: unknown, attempt: number, waitMs: number) => void;
}

/** Runs `attempt` until it resolves. Rejects only when `signal` aborts. */
export async function retryUntilSuccess<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let failures = 1; ; failures++) {
    options.signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      const waitMs = backoffMs(options.schedule, failures) / (options.timeScale ?? 1);
      options.onFailure?.(error, failures, waitMs);
      await delay(waitMs, undefined, { signal: options.signal });
    }
  }
}
