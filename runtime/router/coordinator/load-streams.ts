import http from 'node:http';
import { backoffMs, registrationBackoffSeconds } from '../../shared/backoff.ts';
import type { Logger } from '../../shared/log.ts';
import { type LoadReport, loadRepeatMs, type RunnerRegistration } from '../../shared/protocol.ts';
import { LoadStream, type LoadStreamEnd } from './load-stream.ts';
import type { RunnerDirectory } from './runner-directory.ts';

export interface LoadStreamsOptions {
  readonly runners: RunnerDirectory;
  /** @param isNewState whether the runner's word on its engine differs from the one before, on the same stream */
  readonly onReport: (runnerId: string, report: LoadReport, isNewState: boolean) => void;
  /** Bearer secret of the fleet; undefined when it has none. */
  readonly secret: string | undefined;
  /** Longest wait for a stream, in ms. @default 3000 */
  readonly openTimeoutMs?: number;
  readonly timeScale: number;
  readonly log: Logger;
}

/** A runner whose load is wanted. It waits in line for an attempt, has a stream (or an attempt at one), or waits. */
interface Followed {
  readonly runnerId: string;
  readonly host: string;
  readonly port: number;
  stream?: LoadStream | undefined;
  /** Time to the next attempt. */
  timer?: NodeJS.Timeout;
  /** Attempts and streams in a row that brought no report. */
  failures: number;
  engineState?: LoadReport['engineState'] | undefined;
}

/** Attempts to connect under way at one time, in a fleet of any size. */
const maxAttempts = 32;
const defaultOpenTimeoutMs = 3_000;
/** A runner that is too old for the stream, or has another secret, stays so until it is restarted: then it registers. */
const refusedRetryMs = 300_000;
/** Looks without a word from a runner that would have repeated itself: its machine is gone. */
const maxSilentLooks = 4;

/**
 * Wait before the next attempt at a runner's stream, in ms: 1, 2, 4, 8, 16, 16 ... s, five minutes after a refusal that only
 * a restart changes, and up to a quarter more or less, so that the runners of a network that was away do not come at once.
 * @param failures attempts in a row that brought nothing, from 1
 * @param random 0 to 1
 */
export function nextAttemptMs(failures: number, refusedWith: number | undefined, random: number): number {
  const isLasting = refusedWith !== undefined && refusedWith < 500;
  const waitMs = isLasting ? refusedRetryMs : backoffMs(registrationBackoffSeconds, failures);
  return waitMs * (0.75 + random / 2);
}

/**
 * Follows the load of every runner in the directory that names an engine, wherever it was heard of. A stream that is open
 * costs no timer, and one that cannot be had costs an attempt now and then: whether a runner lives is for its heartbeats to say.
 */
export class LoadStreams {
  readonly #options: LoadStreamsOptions;
  readonly #agent = new http.Agent({ keepAlive: false });
  readonly #followed = new Map<string, Followed>();
  /** In line for an attempt, in order. */
  readonly #line = new Set<Followed>();
  readonly #attempts = new Set<Followed>();
  readonly #lookTimer: NodeJS.Timeout;

  constructor(options: LoadStreamsOptions) {
    this.#options = options;
    const { runners, timeScale } = options;
    for (const [, { registration }] of runners.entries()) this.#follow(registration);
    runners.on('known', this.#follow);
    runners.on('gone', this.#leave);
    this.#lookTimer = setInterval(() => this.#look(), loadRepeatMs / timeScale).unref();
  }

  close(): void {
    const { runners } = this.#options;
    runners.off('known', this.#follow);
    runners.off('gone', this.#leave);
    clearInterval(this.#lookTimer);
    for (const runnerId of [...this.#followed.keys()]) this.#leave(runnerId);
    this.#agent.destroy();
  }

  /** A runner that says again where it is was perhaps restarted: whoever waits for it tries at once. */
  readonly #follow = ({ runnerId, host, port, engineUrl }: RunnerRegistration): void => {
    const former = this.#followed.get(runnerId);
    const isSame = former?.host === host && former.port === port;
    if (former && !(isSame && engineUrl !== undefined)) this.#leave(runnerId);
    if (engineUrl === undefined) return;
    const followed = this.#followed.get(runnerId) ?? { runnerId, host, port, failures: 0 };
    this.#followed.set(runnerId, followed);
    if (!followed.stream) this.#queue(followed);
  };

  readonly #leave = (runnerId: string): void => {
    const followed = this.#followed.get(runnerId);
    if (!followed) return;
    this.#followed.delete(runnerId);
    clearTimeout(followed.timer);
    this.#line.delete(followed);
    followed.stream?.close();
    this.#settle(followed);
  };

  #queue(followed: Followed): void {
    clearTimeout(followed.timer);
    this.#line.add(followed);
    this.#attemptNext();
  }

  #attemptNext(): void {
    for (const followed of this.#line) {
      if (this.#attempts.size >= maxAttempts) return;
      this.#line.delete(followed);
      this.#attempts.add(followed);
      followed.stream = this.#openStream(followed);
    }
  }

  /** The attempt is over, whatever came of it. */
  #settle(followed: Followed): void {
    if (this.#attempts.delete(followed)) this.#attemptNext();
  }

  #openStream(followed: Followed): LoadStream {
    const { secret, log, openTimeoutMs = defaultOpenTimeoutMs } = this.#options;
    const { runnerId, host, port } = followed;
    return new LoadStream({
      ...{ host, port, secret, agent: this.#agent, openTimeoutMs },
      onOpen: () => {
        log.debug('load stream open', { runnerId });
        followed.engineState = undefined;
        this.#settle(followed);
      },
      onReport: (report) => this.#report(followed, report),
      onGarbage: (detail) => log.warn('load stream has events that are no reports', { runnerId, detail }),
      onEnd: (end) => this.#ended(followed, end),
    });
  }

  #report(followed: Followed, report: LoadReport): void {
    followed.failures = 0;
    const isNewState = report.engineState !== followed.engineState;
    followed.engineState = report.engineState;
    this.#options.onReport(followed.runnerId, report, isNewState);
  }

  #ended(followed: Followed, { refusedWith, detail }: LoadStreamEnd): void {
    const { log, timeScale } = this.#options;
    followed.stream = undefined;
    followed.failures++;
    const waitMs = nextAttemptMs(followed.failures, refusedWith, Math.random()) / timeScale;
    const { runnerId, failures } = followed;
    // The first one is news; heartbeats bring the load meanwhile.
    const level = failures === 1 ? 'info' : 'debug';
    log[level]('no load stream', { runnerId, failures, detail, waitMs: Math.round(waitMs) });
    followed.timer = setTimeout(() => this.#queue(followed), waitMs).unref();
    this.#settle(followed);
  }

  #look(): void {
    for (const followed of this.#followed.values()) {
      if (!this.#attempts.has(followed)) followed.stream?.look(maxSilentLooks);
    }
  }
}
