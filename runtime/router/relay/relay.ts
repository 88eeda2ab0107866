import { randomUUID } from 'node:crypto';
import { CodedError, describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { Admission } from '../admission/admission.ts';
import { hasLimits } from '../admission/key-meter.ts';
import { rateLimitHeaders } from '../admission/rate-limit-headers.ts';
import type { Slot } from '../admission/slot.ts';
import { waitForSlot } from '../admission/wait-for-slot.ts';
import type { Registry } from '../coordinator/registry.ts';
import type { Worker } from '../coordinator/worker.ts';
import { routerError } from '../errors.ts';
import type { ClientRequest } from '../front/client-request.ts';
import type { ClientResponse } from '../front/client-response.ts';
import type { ApiKey } from '../keys/api-key.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { ManagedCarrier } from '../managed/managed-carrier.ts';
import type { ManagedRouter } from '../managed/managed-router.ts';
import type { RouterMetrics } from '../metrics.ts';
import { type Policy, type RoutingFacts, uncachedTokensOn } from '../policy/policy.ts';
import type { TokenEstimate } from '../policy/token-estimate.ts';
import type { HeldRequests } from '../scaling/group-scaling.ts';
import { usualRetrySeconds } from '../scaling/retry-after.ts';
import { WorkerGroups } from '../scaling/worker-groups.ts';
import { askForOneToken } from '../upstream/one-token.ts';
import { readUsage } from '../upstream/usage.ts';
import { Answer } from './answer.ts';
import { Dispatcher } from './dispatcher.ts';
import { Exchange } from './exchange.ts';
import { Hold, type HoldLimits } from './hold.ts';
import { isContinuable } from './next-continuation.ts';
import { openPassage, type Passage } from './passage.ts';
import { dialectOf } from './paths.ts';
import { sendError } from './send-error.ts';
import { RecordBudget, SentRecord } from './sent-record.ts';
import { StallWatch } from './stall-watch.ts';

export interface RelayOptions {
  readonly registry: Registry;
  /** Carries the requests in the place of workers that are chosen here. */
  readonly managed?: ManagedRouter | undefined;
  readonly admission: Admission<Worker>;
  readonly keys: KeyRing;
  readonly policy: Policy;
  /** Learns from what engines report. */
  readonly tokens: TokenEstimate;
  readonly log: Logger;
  readonly metrics: RouterMetrics;
  readonly maxBodyBytes: number;
  /** Longest wait of a request for a worker to become ready. */
  readonly holdMs: number;
  /** Splice a `rid` into bodies that have none, so that the request can be aborted on the engine. */
  readonly injectRid: boolean;
  /** Whether admission caps what runs on one worker, so that slot and worker have to be one grant. */
  readonly isCappedPerWorker: boolean;
  /** How many times faster than real time the engines run; the policy reckons in their time. */
  readonly timeScale: number;
  /** Longest silence of a stream before it gets a comment, in ms of real time. */
  readonly heartbeatMs: number;
  /** @default - none */
  readonly groups?: WorkerGroups;
  /** When a client that found no ready worker of a group, by its place, should come back. @default 5 */
  readonly retryAfterSeconds?: (group: number) => number;
}

const holdLimits: HoldLimits = { maxRequests: 10_000, maxBytes: 512 * 1024 * 1024 };
/** What is kept of one stream to continue it: about 8,000 events of one token each. */
const maxRecordBytes = 2 * 1024 * 1024;
const maxRecordsBytes = 128 * 1024 * 1024;

/** The data plane: takes a generation request, picks an engine, passes the answer back. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #records = new RecordBudget(maxRecordsBytes);
  readonly #groups: WorkerGroups;
  readonly #hold: Hold;
  readonly #watch: StallWatch;
  readonly #dispatcher: Dispatcher;
  readonly #managed: ManagedCarrier | undefined;
  #open = 0;
  #isDraining = false;
  #onDrained: (() => void) | undefined;

  constructor(options: RelayOptions) {
    const { registry, managed, policy, metrics, log, timeScale, heartbeatMs, isCappedPerWorker } = options;
    const engineNowMs = () => performance.now() * timeScale;
    this.#options = options;
    const { groups = new WorkerGroups(), retryAfterSeconds = () => usualRetrySeconds } = options;
    this.#groups = groups;
    this.#hold = new Hold(managed ?? registry, holdLimits, groups.count, retryAfterSeconds);
    this.#watch = new StallWatch({
      canary: (worker, timeoutMs) => askForOneToken(worker.engine, { timeoutMs }),
      onStall: (worker, detail) => this.#onStall(worker, detail),
      timeScale,
      heartbeatMs,
    });
    const exchange = new Exchange({
      registry,
      metrics,
      log,
      watch: this.#watch,
      engineNowMs,
    });
    const isDraining = () => this.#isDraining;
    this.#dispatcher = new Dispatcher({
      registry,
      policy,
      metrics,
      exchange,
      hold: this.#hold,
      engineNowMs,
      isDraining,
      isCappedPerWorker,
      retryAfterSeconds,
    });
    const parts = { registry, metrics, hold: this.#hold, isDraining, heartbeatMs };
    this.#managed = managed && new ManagedCarrier({ managed, ...parts });
    metrics.observeHeld(() => this.#hold.size);
  }

  /** Whether the relay carries this request target; everything else belongs to the control surface. */
  carries(target: string): boolean {
    return dialectOf(target) !== undefined;
  }

  /** Requests that wait for a worker of the group at this place to become ready. */
  heldFor(group: number): HeldRequests {
    return this.#hold.of(group);
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Age of the oldest request that is in flight on `worker`, in ms; 0 when there is none. */
  oldestRequestMs(worker: Worker): number {
    const nowMs = performance.now();
    return this.#watch.requestsOn(worker).reduce((age, { startedAtMs }) => Math.max(age, nowMs - startedAtMs), 0);
  }

  /** Refuses new requests and waits until the ones in flight have ended, at most `deadlineMs`. */
  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true;
    this.#hold.close();
    this.#options.admission.close();
    if (this.#open === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onDrained = resolve;
    const timer = setTimeout(resolve, deadlineMs);
    await promise;
    clearTimeout(timer);
  }

  close(): void {
    this.#watch.close();
    this.#managed?.close();
  }

  /** Handles one request to its end. Never rejects. */
  async handle(request: ClientRequest, response: ClientResponse): Promise<void> {
    const requestId = randomUUID().replaceAll('-', '');
    const startedAtMs = performance.now();
    const answer = new Answer(response, requestId);
    // Clients and load balancers should not come back to this router on the same connection.
    if (this.#isDraining) response.closeAfter();
    let outcome = 'INTERNAL';
    this.#open++;
    // Not when the answer is written but when it has left: a drain that ended earlier would cut it.
    response.once('close', () => {
      this.#open--;
      if (this.#open === 0) this.#onDrained?.();
    });
    try {
      outcome = await this.#serve(requestId, request, response, answer, startedAtMs);
    } catch (error) {
      if (response.isClosed) outcome = 'client-gone';
      else {
        const coded = toCoded(error, this.#options.log, requestId);
        // A heartbeat may have begun the stream: then the error is its last event.
        if (response.headersSent) answer.breakOff(coded);
        else sendError(response, requestId, coded);
        outcome = coded.code;
      }
    } finally {
      answer.close();
      this.#options.metrics.requestEnded(answer, outcome, performance.now() - startedAtMs);
    }
  }

  async #serve(
    requestId: string,
    request: ClientRequest,
    response: ClientResponse,
    answer: Answer,
    startedAtMs: number,
  ): Promise<string> {
    const { head } = request;
    if (this.#isDraining) throw routerError('SHUTTING_DOWN', {}, { retryAfterSeconds: 1 });
    if (head.method !== 'POST' && head.method !== 'PUT') {
      throw routerError('METHOD_NOT_ALLOWED', { method: head.method, path: head.target });
    }
    const { maxBodyBytes, holdMs, injectRid, keys, tokens } = this.#options;
    const key = keys.authorize(request.credentials, 'inference');
    if (key instanceof CodedError) throw key;
    const reading = request.readBody(maxBodyBytes);
    const held = reading instanceof Promise ? await reading : reading;
    try {
      const exchange = { requestId, request, response, answer, held, startedAtMs };
      const options = { ...exchange, holdMs, injectRid, tokens, groups: this.#groups };
      return await this.#carry(openPassage(options), key);
    } finally {
      held.release();
    }
  }

  /** One request with its body, from admission to its end. */
  async #carry(passage: Passage, key: ApiKey): Promise<string> {
    passage.answer.group = passage.group;
    if (passage.facts.isStream && isContinuable(passage.dialect) && !this.#managed) {
      passage.answer.recordTo(new SentRecord(this.#records, maxRecordBytes));
    }
    const slot = await this.#admit(passage, key);
    let uncachedTokens: number | undefined;
    try {
      const outcome = await (this.#managed ?? this.#dispatcher).carry(passage, slot);
      if (outcome === 'ok') uncachedTokens = this.#learn(passage);
      return outcome;
    } finally {
      slot.leave(uncachedTokens);
    }
  }

  /** The right to run, at once where nothing is in the way. Throws RATE_LIMITED, QUEUE_FULL or QUEUE_TIMEOUT. */
  #admit(passage: Passage, key: ApiKey): Slot<Worker> | Promise<Slot<Worker>> {
    const { admission, registry, isCappedPerWorker, metrics } = this.#options;
    const uncachedTokens = hasLimits(key.limits) ? leastUncached(registry.ready, passage.routing) : 0;
    const entered = admission.enter({
      key,
      bytes: passage.bodyBytes,
      uncachedTokens,
      ...(passage.facts.model !== undefined && { group: passage.facts.model }),
      ...(isCappedPerWorker && { place: this.#dispatcher.placeFor(passage, new Set()) }),
    });
    const slot = waitForSlot(entered, passage.response);
    if (slot instanceof Promise)
      void slot.then(
        ({ waitedMs }) => metrics.queueTime.observe(waitedMs / 1_000),
        () => {},
      );
    passage.answer.addHeaders(rateLimitHeaders(admission.meterOf(key.keyId), admission.nowMs));
    return slot;
  }

  /** @returns the uncached tokens that the engine reported, undefined when it did not */
  #learn({ facts, answer, worker }: Passage): number | undefined {
    const usage = readUsage(answer.lastParts);
    if (!usage) return undefined;
    this.#options.tokens.observe(facts.promptEnd - facts.promptStart, usage.promptTokens);
    worker?.noteUsage(usage);
    return Math.max(0, usage.promptTokens - (usage.cachedTokens ?? 0));
  }

  /** The worker goes out of rotation, and what it had goes elsewhere, if there is an elsewhere. */
  #onStall(worker: Worker, detail: string): void {
    const { registry, log } = this.#options;
    if (!registry.ready.some((other) => other !== worker)) {
      log.warn('worker may have stalled, but no other is ready', { worker: worker.id, detail });
      return;
    }
    registry.setState(worker, 'suspect', detail);
    for (const { attempt } of this.#watch.requestsOn(worker)) attempt.giveUp('stall', detail);
  }
}

function toCoded(error: unknown, log: Logger, requestId: string): CodedError {
  if (error instanceof CodedError) return error;
  log.error('relay failed', { requestId, error, detail: describeError(error) });
  return routerError('INTERNAL', {}, { cause: error });
}

/** Prompt tokens that the worker which knows most of the prompt has to compute. */
function leastUncached(workers: readonly Worker[], routing: RoutingFacts): number {
  return workers.reduce((least, worker) => Math.min(least, uncachedTokensOn(worker, routing)), routing.promptTokens);
}
