import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CodedError, describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { askForOneToken } from '../coordinator/one-token.ts';
import type { Registry } from '../coordinator/registry.ts';
import { priorBytesPerToken, type Worker } from '../coordinator/worker.ts';
import { routerError } from '../errors.ts';
import type { RouterMetrics } from '../metrics.ts';
import { chooseWorker, type Policy, type RankedWorker } from '../policy/policy.ts';
import { TokenEstimate } from '../policy/token-estimate.ts';
import { abortOnEngine } from './abort.ts';
import { Answer } from './answer.ts';
import { Attempt, type AttemptEnd, type AttemptOptions } from './attempt.ts';
import { readBody } from './body.ts';
import { upstreamHead } from './headers.ts';
import { Hold, type HoldLimits } from './hold.ts';
import { openPassage, type Passage } from './passage.ts';
import { dialectOf } from './paths.ts';
import { sendError } from './send-error.ts';
import { StallWatch } from './stall-watch.ts';
import { readUsage, type Usage } from './usage.ts';

export interface RelayOptions {
  readonly registry: Registry;
  readonly policy: Policy;
  readonly log: Logger;
  readonly metrics: RouterMetrics;
  readonly maxBodyBytes: number;
  /** Longest wait of a request for a worker to become ready. */
  readonly holdMs: number;
  /** Splice a `rid` into bodies that have none, so that the request can be aborted on the engine. */
  readonly injectRid: boolean;
  /** How many times faster than real time the engines run; the policy reckons in their time. */
  readonly timeScale: number;
  /** Longest silence of a stream before it gets a comment, in ms of real time. */
  readonly heartbeatMs: number;
}

const maxAttempts = 4;
const holdLimits: HoldLimits = { maxRequests: 10_000, maxBytes: 512 * 1024 * 1024 };

/** The data plane: takes a generation request, picks an engine, passes the answer back. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #watch: StallWatch;
  readonly #tokens = new TokenEstimate(priorBytesPerToken);
  readonly #hold: Hold;
  #open = 0;
  #isDraining = false;
  #onDrained: (() => void) | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#hold = new Hold(options.registry, holdLimits);
    options.metrics.observeHeld(() => this.#hold.size);
    this.#watch = new StallWatch({
      canary: (worker, timeoutMs) => askForOneToken(worker.url, { timeoutMs }),
      onStall: (worker, detail) => this.#onStall(worker, detail),
      timeScale: options.timeScale,
      heartbeatMs: options.heartbeatMs,
    });
  }

  /** Whether the relay carries this request target; everything else belongs to the control surface. */
  carries(target: string): boolean {
    return dialectOf(target) !== undefined;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Refuses new requests and waits until the ones in flight have ended, at most `deadlineMs`. */
  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true;
    this.#hold.close();
    if (this.#open === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onDrained = resolve;
    const timer = setTimeout(resolve, deadlineMs);
    await promise;
    clearTimeout(timer);
  }

  close(): void {
    this.#watch.close();
  }

  /** Handles one request to its end. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = randomUUID().replaceAll('-', '');
    const startedAtMs = performance.now();
    const answer = new Answer(response, requestId);
    let outcome = 'error';
    this.#open++;
    // Not when the answer is written but when it has left: a drain that ended earlier would cut it.
    response.once('close', () => {
      this.#open--;
      if (this.#open === 0) this.#onDrained?.();
    });
    try {
      if (this.#isDraining) throw routerError('SHUTTING_DOWN', {}, { retryAfterSeconds: 1 });
      if (request.method !== 'POST' && request.method !== 'PUT') {
        throw routerError('METHOD_NOT_ALLOWED', { method: request.method!, path: request.url! });
      }
      const body = await readBody(request, this.#options.maxBodyBytes);
      outcome = await this.#carry(
        openPassage({
          requestId,
          request,
          response,
          answer,
          body,
          startedAtMs,
          holdMs: this.#options.holdMs,
          injectRid: this.#options.injectRid,
          tokens: this.#tokens,
        }),
      );
    } catch (error) {
      const coded = toCoded(error, this.#options.log, requestId);
      if (response.destroyed || request.socket.destroyed) outcome = 'client-gone';
      else {
        // A heartbeat may have begun the stream: then the error is its last event.
        if (response.headersSent) answer.breakOff(coded);
        else sendError(request, response, requestId, coded);
        outcome = coded.code;
      }
    } finally {
      this.#options.metrics.requestEnded(outcome, performance.now() - startedAtMs);
    }
  }

  /** Tries workers until one answers. @returns the outcome for the metrics */
  async #carry(passage: Passage): Promise<string> {
    const tried = new Set<Worker>();
    let lastDetail = '';
    for (let attempts = 0; attempts < maxAttempts; ) {
      const candidates = this.#candidates(passage, tried);
      if (candidates.length === 0) {
        await this.#waitForWorker(passage, attempts, lastDetail);
        tried.clear();
        continue;
      }
      attempts++;
      const chosen = chooseWorker(this.#options.policy, passage.routing, candidates, this.#engineNowMs());
      const mayRetry = attempts < maxAttempts && candidates.length > 1;
      const end = await this.#attempt(passage, chosen!, mayRetry);
      if (end.kind === 'complete') return end.status < 400 ? 'ok' : `engine-${end.status}`;
      if (end.kind === 'client-gone') return 'client-gone';
      if (end.kind === 'broken-off') {
        passage.answer.breakOff(routerError('ENGINE_BROKE_OFF', { detail: end.detail }));
        return 'ENGINE_BROKE_OFF';
      }
      lastDetail = end.detail;
      if (end.reason === 'overload' && !mayRetry) {
        throw routerError('ENGINE_OVERLOADED', { detail: lastDetail }, { retryAfterSeconds: 1 });
      }
      this.#options.metrics.retries.inc({ reason: end.reason });
      tried.add(chosen!.worker);
    }
    throw routerError('ENGINE_UNREACHABLE', { attempts: maxAttempts, detail: lastDetail }, { retryAfterSeconds: 1 });
  }

  #candidates(passage: Passage, tried: ReadonlySet<Worker>): readonly Worker[] {
    const { ready, models } = this.#options.registry;
    const { model } = passage.facts;
    // A fleet of one model takes any name, as SGLang itself does.
    const needsMatch = model !== undefined && models.size > 1;
    if (!needsMatch && tried.size === 0) return ready;
    if (needsMatch && !models.has(model)) {
      throw routerError('UNKNOWN_MODEL', { model, served: [...models].join(', ') }, { param: 'model' });
    }
    return ready.filter((worker) => !tried.has(worker) && (!needsMatch || worker.serves(model)));
  }

  async #attempt(passage: Passage, chosen: RankedWorker<Worker>, mayRetry: boolean): Promise<AttemptEnd> {
    const { worker, uncachedTokens } = chosen;
    const { request, response, answer, routing, facts } = passage;
    const entry = worker.prefill.add(uncachedTokens, this.#engineNowMs(), facts.isStream);
    worker.inFlightRequests++;
    worker.inFlightTokens += routing.promptTokens;
    worker.lastSentAtMs = this.#engineNowMs();
    worker.prefixes.insert(routing.chain);
    const options: AttemptOptions = {
      workerId: worker.id,
      head: upstreamHead(request.method!, request.url!, request.rawHeaders, worker, passage.bodyBytes),
      body: passage.body,
      answer,
      mayRetry,
      onFirstByte: () => {
        if (facts.isStream) worker.prefill.firstToken(entry, this.#engineNowMs());
        this.#options.metrics.firstByte.observe((performance.now() - passage.startedAtMs) / 1_000);
      },
    };
    try {
      let end = await this.#exchange(passage, worker, new Attempt(options, worker.pool.acquire()));
      if (end.kind === 'retryable' && end.wasStaleConnection && !response.destroyed) {
        end = await this.#exchange(passage, worker, new Attempt(options, worker.pool.fresh()));
      }
      this.#account(worker, passage, end);
      return end;
    } finally {
      worker.prefill.remove(entry, this.#engineNowMs());
      worker.inFlightRequests--;
      worker.inFlightTokens -= routing.promptTokens;
    }
  }

  /** Sees one attempt to its end, under the eyes of the client and of the stall watch. */
  async #exchange(passage: Passage, worker: Worker, attempt: Attempt): Promise<AttemptEnd> {
    const { response, answer, facts } = passage;
    const watched = { attempt, answer, isStream: facts.isStream };
    const onClose = () => {
      if (!response.writableFinished) attempt.abandon();
    };
    response.on('close', onClose);
    this.#watch.add(worker, watched);
    try {
      const end = await attempt.ended;
      if (end.kind === 'client-gone') {
        this.#options.metrics.aborts.inc();
        void this.#stopEngine(worker, passage, attempt);
      } else if (end.kind === 'retryable' && end.reason === 'stall') void this.#stopEngine(worker, passage, attempt);
      else if (end.kind === 'broken-off') attempt.dropUpstream();
      return end;
    } finally {
      response.off('close', onClose);
      this.#watch.remove(worker, watched);
    }
  }

  /** The clock of queues and rates. */
  #engineNowMs(): number {
    return performance.now() * this.#options.timeScale;
  }

  #account(worker: Worker, passage: Passage, end: AttemptEnd): void {
    if (end.kind === 'complete') {
      worker.completedRequests++;
      worker.consecutiveFailures = 0;
      const usage = end.status === 200 ? readUsage(passage.answer.lastParts) : undefined;
      if (usage) this.#learn(worker, passage, usage);
    } else if (end.kind !== 'client-gone') {
      worker.failedRequests++;
      const isAnswer = end.kind === 'retryable' && (end.reason === 'status' || end.reason === 'overload');
      if (!isAnswer && worker.state === 'ready') {
        // Once per fall: all that was in flight fails together when an engine dies.
        worker.consecutiveFailures++;
        this.#options.registry.setState(worker, 'suspect', `a request failed on it: ${end.detail}`);
      }
      this.#options.log.warn('attempt failed', {
        requestId: passage.requestId,
        worker: worker.id,
        end: end.kind,
        detail: end.detail,
      });
    }
  }

  #learn(worker: Worker, passage: Passage, usage: Usage): void {
    this.#tokens.observe(passage.facts.promptEnd - passage.facts.promptStart, usage.promptTokens);
    worker.noteUsage(usage.promptTokens, usage.cachedTokens);
    this.#options.metrics.tokensUsed(usage);
  }

  async #stopEngine(worker: Worker, passage: Passage, attempt: Attempt): Promise<void> {
    if (passage.rid !== undefined) await abortOnEngine(worker.url, passage.rid);
    attempt.dropUpstream();
  }

  /** The worker goes out of rotation, and what it had goes elsewhere, if there is an elsewhere. */
  #onStall(worker: Worker, detail: string): void {
    if (!this.#options.registry.ready.some((other) => other !== worker)) {
      this.#options.log.warn('worker may have stalled, but no other is ready', { worker: worker.id, detail });
      return;
    }
    this.#options.registry.setState(worker, 'suspect', detail);
    for (const { attempt } of this.#watch.requestsOn(worker)) attempt.giveUp(detail);
  }

  /** Holds the request until a worker becomes ready. Throws NO_READY_WORKER or ENGINE_UNREACHABLE past the limit. */
  async #waitForWorker(passage: Passage, attempts: number, lastDetail: string): Promise<void> {
    const { holdMs } = this.#options;
    const leftMs = passage.holdUntilMs - performance.now();
    if ((await this.#hold.wait(passage.response, passage.bodyBytes, leftMs)) === 'ready') return;
    if (this.#isDraining) throw routerError('SHUTTING_DOWN', {}, { retryAfterSeconds: 1 });
    if (attempts > 0) {
      throw routerError('ENGINE_UNREACHABLE', { attempts, detail: lastDetail }, { retryAfterSeconds: 1 });
    }
    const values = { waitedSeconds: Math.round(holdMs / 1_000), retryAfterSeconds: 5 };
    throw routerError('NO_READY_WORKER', values, { retryAfterSeconds: values.retryAfterSeconds });
  }
}

function toCoded(error: unknown, log: Logger, requestId: string): CodedError {
  if (error instanceof CodedError) return error;
  log.error('relay failed', { requestId, error, detail: describeError(error) });
  return routerError('INTERNAL', {}, { cause: error });
}
