import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs, registrationBackoffSeconds, retryUntilSuccess } from '../../shared/backoff.ts';
import { describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { GroupMembership } from './machine.ts';
import type { ActionWish } from './wanted.ts';

export interface LifecycleHookOptions {
  readonly name: string;
  readonly group: Pick<GroupMembership, 'completeLifecycleAction' | 'recordHeartbeat'>;
  /** The hook's heartbeat time-out as the group has it, in ms. */
  readonly timeoutMs: number;
  /** The group answered. @param wasOpen false when no such action waited for this instance */
  readonly onCompleted: (result: 'CONTINUE' | 'ABANDON', wasOpen: boolean) => void;
  readonly timeScale: number;
  readonly log: Logger;
}

/** AWS allows time-outs from 30 s to two hours. */
const shortestIntervalMs = 10_000;
const longestIntervalMs = 300_000;

/** The target state may change a moment before its action opens: one that was not open is looked for again, in seconds. */
const secondLooksSeconds: readonly number[] = [2, 8, 30];

/** Between two heartbeats, in ms: two of them may be lost. */
export function heartbeatIntervalMs(timeoutMs: number): number {
  return Math.min(Math.max(timeoutMs / 3, shortestIntervalMs), longestIntervalMs);
}

/** The lifecycle action of one hook, which waits for this instance or does not: the group alone knows. */
export class LifecycleHook {
  readonly #options: LifecycleHookOptions;
  #wish: ActionWish = { do: 'leave-alone' };
  #current = new AbortController();
  #settled = Promise.withResolvers<void>();

  constructor(options: LifecycleHookOptions) {
    this.#options = options;
    this.#settled.resolve();
  }

  /** Resolves when the group has answered to the present wish; at once when there is nothing that it has to answer. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** What is to become of the action from now on; a wish that is not new changes nothing. */
  wish(wish: ActionWish): void {
    if (isSame(wish, this.#wish)) return;
    this.#wish = wish;
    this.#current.abort();
    this.#current = new AbortController();
    this.#settled.resolve();
    if (wish.do === 'complete') this.#settled = Promise.withResolvers<void>();
    void this.#fulfil(wish, this.#current.signal);
  }

  close(): void {
    this.#current.abort();
  }

  async #fulfil(wish: ActionWish, signal: AbortSignal): Promise<void> {
    try {
      if (wish.do === 'keep-open') await this.#keepOpen(signal);
      if (wish.do === 'complete') await this.#complete(wish.result, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Rejects only when `signal` aborts. The first heartbeat comes at once: an earlier process may have been late. */
  async #keepOpen(signal: AbortSignal): Promise<never> {
    const { name, group, timeoutMs, timeScale, log } = this.#options;
    const intervalMs = heartbeatIntervalMs(timeoutMs);
    let wasOpen: boolean | undefined;
    for (let failures = 0; ; ) {
      try {
        const isOpen = await group.recordHeartbeat(name, signal);
        if (isOpen !== wasOpen) log.info('lifecycle action', { hook: name, isOpen });
        wasOpen = isOpen;
        failures = 0;
      } catch (error) {
        signal.throwIfAborted();
        failures++;
        if (failures === 1) log.warn('lifecycle heartbeat failed', { hook: name, detail: describeError(error) });
      }
      const waitMs =
        failures === 0 ? intervalMs : Math.min(backoffMs(registrationBackoffSeconds, failures), intervalMs);
      await delay(waitMs / timeScale, undefined, { signal });
    }
  }

  async #complete(result: 'CONTINUE' | 'ABANDON', signal: AbortSignal): Promise<void> {
    const { name: hook, timeScale, log, onCompleted } = this.#options;
    const wasOpen = await this.#askToComplete(result, signal);
    if (signal.aborted) return;
    this.#settled.resolve();
    log.info('lifecycle action completed', { hook, result, wasOpen });
    onCompleted(result, wasOpen);
    if (wasOpen) return;
    for (const seconds of secondLooksSeconds) {
      await delay((1_000 * seconds) / timeScale, undefined, { signal, ref: false });
      if (!(await this.#askToComplete(result, signal))) continue;
      log.info('lifecycle action completed', { hook, result, wasOpen: true });
      return;
    }
  }

  #askToComplete(result: 'CONTINUE' | 'ABANDON', signal: AbortSignal): Promise<boolean> {
    const { name: hook, group, timeScale, log } = this.#options;
    return retryUntilSuccess(() => group.completeLifecycleAction(hook, result, signal), {
      schedule: registrationBackoffSeconds,
      signal,
      timeScale,
      onFailure: (error, attempt, waitMs) => {
        const fields = { hook, result, attempt, waitMs, detail: describeError(error) };
        if (attempt === 1) log.warn('lifecycle action not completed yet', fields);
        else log.debug('lifecycle action still not completed', fields);
      },
    });
  }
}

function isSame(one: ActionWish, other: ActionWish): boolean {
  if (one.do !== other.do) return false;
  if (one.do === 'leave-alone' || other.do === 'leave-alone') return true;
  const results = [one, other].map((wish) => (wish.do === 'complete' ? wish.result : undefined));
  return one.occasion === other.occasion && results[0] === results[1];
}
