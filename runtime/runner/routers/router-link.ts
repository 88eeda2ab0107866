import { bearerHeaders } from '../../shared/auth.ts';
import { backoffMs, registrationBackoffSeconds, retryUntilSuccess } from '../../shared/backoff.ts';
import { callJson, HttpStatusError } from '../../shared/call-json.ts';
import { describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import {
  deregisterPath,
  heartbeatIntervalMs,
  heartbeatPath,
  type RunnerHeartbeat,
  type RunnerRegistration,
  registerPath,
} from '../../shared/protocol.ts';
import { Wakeup } from '../../shared/wakeup.ts';
import { parseHeartbeatAnswer, type RouterView } from './router-view.ts';

/** What a link says to its router; both are asked for anew each time. */
export interface RunnerFacts {
  readonly runnerId: string;
  registration(): RunnerRegistration;
  heartbeat(): Promise<RunnerHeartbeat>;
}

export interface RouterLinkOptions {
  readonly routerUrl: string;
  readonly facts: RunnerFacts;
  readonly secret: string | undefined;
  readonly timeScale: number;
  readonly log: Logger;
  /** A heartbeat was answered. @default - nobody wants to know */
  readonly onAnswer?: () => void;
}

/**
 * Wait before the next heartbeat, in ms. After a failure it comes sooner than the usual interval: a router that was
 * away for a moment should not miss a change of the engine's state for ten seconds.
 * @param failures heartbeats in a row that did not arrive
 */
export function nextHeartbeatMs(failures: number): number {
  return failures === 0
    ? heartbeatIntervalMs
    : Math.min(backoffMs(registrationBackoffSeconds, failures), heartbeatIntervalMs);
}

/** Keeps one router informed: registers until it succeeds, heartbeats, registers again when the router forgot. */
export class RouterLink {
  readonly #options: RouterLinkOptions;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  readonly #wakeup = new Wakeup();
  #running: Promise<void> | undefined;
  #lastAnswer: RouterView | undefined;

  constructor(options: RouterLinkOptions) {
    this.#options = options;
    this.#log = options.log.child({ router: options.routerUrl });
  }

  /** Starts once; later calls change nothing. */
  start(): void {
    this.#running ??= this.#run().catch((error: unknown) => {
      if (!this.#closing.signal.aborted) throw error;
    });
  }

  /** What the router said to the last heartbeat; undefined when that one failed, or said nothing of the worker. */
  get lastAnswer(): RouterView | undefined {
    return this.#lastAnswer;
  }

  /** Sends a heartbeat now instead of at the next interval. */
  notify(): void {
    this.#wakeup.wake();
  }

  /** One heartbeat outside the loop, so that the caller knows that it arrived. @throws as callJson */
  async tell(timeoutMs: number): Promise<void> {
    if (this.#running) await this.#beat(timeoutMs);
  }

  /** Stops the loop and takes the runner off the router's list. A router that cannot be reached is only logged. */
  async close(timeoutMs: number): Promise<void> {
    if (!this.#running) return;
    this.#closing.abort();
    await this.#running;
    try {
      await this.#post(deregisterPath, { runnerId: this.#options.facts.runnerId }, timeoutMs);
      this.#log.info('runner deregistered');
    } catch (error) {
      this.#log.warn('deregistration failed', { detail: describeError(error) });
    }
  }

  /** Rejects only when closing. */
  async #run(): Promise<never> {
    for (;;) {
      await this.#register();
      await this.#heartbeatUntilForgotten();
      this.#log.warn('router forgot this runner');
    }
  }

  async #register(): Promise<void> {
    const { facts, timeScale } = this.#options;
    await retryUntilSuccess(() => this.#post(registerPath, facts.registration()), {
      schedule: registrationBackoffSeconds,
      signal: this.#closing.signal,
      timeScale,
      onFailure: (error, attempt, waitMs) =>
        this.#log.warn('registration failed', { attempt, waitMs, detail: describeFailure(error) }),
    });
    this.#log.info('runner registered');
  }

  /** Resolves when the router answers 404. */
  async #heartbeatUntilForgotten(): Promise<void> {
    const { timeScale } = this.#options;
    const { signal } = this.#closing;
    for (let failures = 0; ; ) {
      await this.#wakeup.wait(nextHeartbeatMs(failures) / timeScale, signal);
      signal.throwIfAborted();
      try {
        await this.#beat();
        if (failures > 0) this.#log.info('heartbeats arrive again', { failures });
        failures = 0;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof HttpStatusError && error.status === 404) return;
        if (failures === 0) this.#log.warn('heartbeat failed', { detail: describeFailure(error) });
        failures++;
      }
    }
  }

  async #beat(timeoutMs?: number): Promise<void> {
    const { facts, onAnswer } = this.#options;
    try {
      this.#lastAnswer = parseHeartbeatAnswer(await this.#post(heartbeatPath, await facts.heartbeat(), timeoutMs));
    } catch (error) {
      this.#lastAnswer = undefined;
      throw error;
    }
    onAnswer?.();
  }

  #post(path: string, body: unknown, timeoutMs?: number): Promise<unknown> {
    const { routerUrl, secret } = this.#options;
    return callJson(`${routerUrl}${path}`, {
      body,
      headers: bearerHeaders(secret),
      ...(timeoutMs !== undefined ? { timeoutMs } : { signal: this.#closing.signal }),
    });
  }
}

function describeFailure(error: unknown): string {
  if (error instanceof HttpStatusError && (error.status === 401 || error.status === 403)) {
    return `${error.message}. FLEET_INTERNAL_SECRET must be the same on routers and runners.`;
  }
  return describeError(error);
}
