import { describeError } from '../../shared/errors.ts';
import type { Worker } from '../coordinator/worker.ts';
import type { Answer } from './answer.ts';
import type { Attempt } from './attempt.ts';

/** What the watch needs of a request in flight. */
export interface Watched {
  readonly attempt: Attempt;
  readonly answer: Answer;
  /** Whether the client asked for a stream, so that heartbeats may be sent. */
  readonly isStream: boolean;
  /** When the client sent it, on the clock of `performance.now()`. */
  readonly startedAtMs: number;
  /** Wait for the first byte, in engine ms, after which the engine must have lost the request; Infinity for never. */
  readonly lateAfterMs: number;
  /** How long it has waited for its first byte so far; counted by the watch. */
  waitedMs: number;
  /** Its place in the watch's list, kept by the watch. */
  place: number;
}

export interface StallWatchOptions {
  /** Asks the engine for one token; rejects when it does not come within `timeoutMs` of real time. */
  readonly canary: (worker: Worker, timeoutMs: number) => Promise<void>;
  /** The engine took requests and answers none of them, nor the canary. */
  readonly onStall: (worker: Worker, detail: string) => void;
  /** Divides every time here. */
  readonly timeScale: number;
  /** Longest silence of a stream before a heartbeat, in ms. */
  readonly heartbeatMs: number;
}

const lookEveryMs = 250;
/** Silence of a whole worker with requests on it before it is asked for a token. */
const firstDoubtMs = 1_000;
const maxDoubtMs = 10_000;
/** What the canary gets beside the prefill work that is ahead of it. */
const canarySlackMs = 1_500;
/** However fast simulated engines run, the machine itself needs this long, in ms of real time, to be believed hung. */
const minCanaryMs = 1_000;
/** Long prompts cost more per token than short ones, from which the rate may have been learned. */
const backlogFactor = 3;
/** Before an engine has shown its rate it may be any GPU. */
const unknownRateFactor = 10;

/**
 * The requests on one worker: a list in no order, since a Set would not do. V8's grow anew every few dozen additions, and
 * an old table that garbage collection has promoted keeps all that came after it until the next full collection: at
 * thousands of requests a second that was half of the heap.
 */
interface Watch {
  readonly requests: Watched[];
  silentMs: number;
  doubtMs: number;
  isAsking: boolean;
}

/**
 * Notices workers that take requests and send nothing, while their connections and their health checks are fine. A
 * silence has an innocent reason in a long prefill, so it only raises a doubt; the canary, which an engine that works
 * answers in turn, decides. Also sends the heartbeats of silent streams.
 */
export class StallWatch {
  readonly #options: StallWatchOptions;
  readonly #watches = new Map<Worker, Watch>();
  readonly #timer: NodeJS.Timeout;
  #sinceHeartbeatMs = 0;

  constructor(options: StallWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), lookEveryMs / options.timeScale).unref();
  }

  add(worker: Worker, watched: Watched): void {
    let watch = this.#watches.get(worker);
    if (watch === undefined) {
      watch = { requests: [], silentMs: 0, doubtMs: firstDoubtMs, isAsking: false };
      this.#watches.set(worker, watch);
    }
    watched.place = watch.requests.push(watched) - 1;
  }

  remove(worker: Worker, watched: Watched): void {
    const requests = this.#watches.get(worker)?.requests;
    if (requests?.[watched.place] !== watched) return;
    const last = requests.pop()!;
    if (last === watched) return;
    requests[watched.place] = last;
    last.place = watched.place;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Requests on `worker` that are in flight now. */
  requestsOn(worker: Worker): readonly Watched[] {
    return [...(this.#watches.get(worker)?.requests ?? [])];
  }

  #look(): void {
    this.#sinceHeartbeatMs += lookEveryMs;
    // Whether a stream was silent is looked at once per period, so a pause gets its comment within two periods.
    const isHeartbeat = this.#sinceHeartbeatMs >= (this.#options.heartbeatMs * this.#options.timeScale) / 2;
    if (isHeartbeat) this.#sinceHeartbeatMs = 0;
    for (const [worker, watch] of this.#watches) {
      if (watch.requests.length === 0) {
        watch.silentMs = 0;
        watch.doubtMs = firstDoubtMs;
        if (worker.state === 'gone') this.#watches.delete(worker);
        continue;
      }
      let hasProgress = false;
      for (const watched of watch.requests) {
        const { attempt, answer, isStream } = watched;
        hasProgress ||= attempt.hasProgress;
        attempt.hasProgress = false;
        if (isHeartbeat && isStream) answer.heartbeatIfIdle();
        if (!attempt.hasBegun) this.#countWait(watched);
      }
      watch.silentMs = hasProgress ? 0 : watch.silentMs + lookEveryMs;
      if (hasProgress) watch.doubtMs = firstDoubtMs;
      if (watch.silentMs >= watch.doubtMs && !watch.isAsking) void this.#ask(worker, watch);
    }
  }

  /** An engine that works and answers others can still have lost one request. */
  #countWait(watched: Watched): void {
    watched.waitedMs += lookEveryMs;
    if (watched.waitedMs >= watched.lateAfterMs) {
      watched.attempt.giveUp('late', `no first byte after ${watched.waitedMs} ms, far beyond what was predicted`);
    }
  }

  async #ask(worker: Worker, watch: Watch): Promise<void> {
    const { canary, timeScale, onStall } = this.#options;
    watch.isAsking = true;
    const { backlogMs, observedTokensPerSecond } = worker.prefill;
    const factor = observedTokensPerSecond === null ? unknownRateFactor : backlogFactor;
    const timeoutMs = Math.max(minCanaryMs, (canarySlackMs + factor * backlogMs) / timeScale);
    try {
      await canary(worker, timeoutMs);
      watch.doubtMs = Math.min(watch.doubtMs * 2, maxDoubtMs);
    } catch (error) {
      // A byte that came meanwhile is a better proof than the canary.
      if (watch.silentMs >= watch.doubtMs && watch.requests.length > 0) {
        const silence = `it was silent for ${Math.round(watch.silentMs)} ms and failed a one-token request`;
        onStall(worker, `${silence} within ${Math.round(timeoutMs)} ms of real time: ${describeError(error)}`);
      }
    } finally {
      watch.silentMs = 0;
      watch.isAsking = false;
    }
  }
}
