import { KvPool } from './kv-pool.ts';
import { LoadCounters } from './load-counters.ts';
import { decayedNewTokenRatio, initialNewTokenRatio, newTokenRatioAfterRetraction } from './new-token-ratio.ts';
import { decodeStepMs, prefillPassMs } from './pass-timing.ts';
import { PrefillAdder } from './prefill-adder.ts';
import {
  appendGenerated,
  newRequestState,
  type RequestState,
  tokensLeftToFill,
  tokensToFill,
} from './request-state.ts';
import { mustRetractMore, retractionOrder } from './retraction.ts';
import type {
  CoreRequest,
  EngineCore,
  EngineEvent,
  EngineListener,
  EngineLoadSnapshot,
  EngineSettings,
  FinishReason,
} from './types.ts';

/**
 * A model of SGLang's scheduler: one forward pass at a time, prefill before decode, first come first served.
 * Names and rules follow `Scheduler.get_next_batch_to_run` and its helpers in SGLang 0.5.
 */
export function createEngineCore(settings: EngineSettings, listener: EngineListener): EngineCore {
  return new Scheduler(settings, listener);
}

type PrefillReport = Extract<EngineEvent, { kind: 'prefill-report' }>;

/** The forward pass under way. A prefill's report is made up when it starts, as SGLang's is. */
type Pass =
  | {
      readonly kind: 'prefill';
      readonly endsAt: number;
      readonly requests: readonly RequestState[];
      readonly report: Omit<PrefillReport, 'kind' | 'at' | 'inputTokensPerSecond'>;
    }
  | { readonly kind: 'decode'; readonly endsAt: number };

class Scheduler implements EngineCore {
  readonly #settings: EngineSettings;
  readonly #emit: EngineListener;
  readonly #pool: KvPool;
  readonly #counters = new LoadCounters(0);
  readonly #inFlight = new Map<string, RequestState>();
  readonly #waiting = new Set<RequestState>();
  #running: RequestState[] = [];
  #chunked: RequestState | undefined;
  #pass: Pass | undefined;
  #newTokenRatio = initialNewTokenRatio;
  /** No admission is tried until a running request leaves (SGLang `batch_is_full`). */
  #isBatchFull = false;
  #isAdvancing = false;
  #clock = 0;
  #waitingTokens = 0;

  constructor(settings: EngineSettings, listener: EngineListener) {
    this.#settings = settings;
    this.#emit = listener;
    this.#pool = new KvPool(settings.maxTotalTokens, settings.cacheBlockTokens);
  }

  submit(request: CoreRequest, now: number): void {
    if (this.#inFlight.has(request.rid)) throw new Error(`Request ${request.rid} is in flight already`);
    this.#runUntil(now, false);
    const { maxTotalTokens } = this.#settings;
    const maxNewTokens = Math.min(request.maxNewTokens, maxTotalTokens - request.prompt.length - 1);
    const state = newRequestState(request, Math.max(maxNewTokens, 0), Math.max(now, this.#clock));
    this.#inFlight.set(state.rid, state);
    if (maxNewTokens < 1) this.#end(state, 'abort', state.arrivedAt);
    else this.#enqueue(state, state.arrivedAt);
  }

  abort(rid: string, now: number): boolean {
    this.#runUntil(now, true);
    const request = this.#inFlight.get(rid);
    if (!request) return false;
    this.#end(request, 'abort', Math.max(now, this.#clock));
    return true;
  }

  advanceTo(now: number): void {
    this.#runUntil(now, true);
  }

  nextEventAt(): number | undefined {
    return this.#pass ? this.#pass.endsAt : this.#nextPassAt();
  }

  flushCache(): boolean {
    if (this.#inFlight.size > 0) return false;
    this.#pool.clear();
    return true;
  }

  cachedPrefixTokens(prompt: ArrayLike<number>): number {
    return this.#pool.reusableTokens(prompt, prompt.length);
  }

  snapshot(): EngineLoadSnapshot {
    const counters = this.#counters;
    return {
      runningRequests: this.#inFlight.size - this.#waiting.size,
      waitingRequests: this.#waiting.size,
      pendingTokens: this.#pendingTokens(),
      usedTokens: this.#pool.usedTokens,
      evictableTokens: this.#pool.evictableTokens,
      maxTotalTokens: this.#pool.maxTokens,
      totals: {
        promptTokens: counters.promptTokens,
        cachedTokens: counters.cachedTokens,
        generatedTokens: counters.generatedTokens,
        finishedRequests: counters.finishedRequests,
        abortedRequests: counters.abortedRequests,
        retractions: counters.retractions,
      },
      generatedTokensPerSecond: this.#running.length > 0 ? counters.decodedPerSecond(this.#clock) : 0,
    };
  }

  /** Runs the passes that end before `now`, or at it too. A listener that calls back in the middle changes nothing here. */
  #runUntil(now: number, isInclusive: boolean): void {
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    try {
      for (;;) {
        const at = this.nextEventAt();
        if (at === undefined || at > now || (at === now && !isInclusive)) break;
        this.#clock = Math.max(this.#clock, at);
        if (this.#pass) this.#endPass(this.#pass);
        this.#startPass(this.#clock);
      }
      this.#clock = Math.max(this.#clock, now);
    } finally {
      this.#isAdvancing = false;
    }
  }

  /** When a pass can start while none is under way; undefined when there is nothing to do. */
  #nextPassAt(): number | undefined {
    if (this.#running.length > 0 || this.#chunked) return this.#clock;
    for (const first of this.#waiting) return Math.max(first.arrivedAt, this.#clock);
    return undefined;
  }

  #startPass(at: number): void {
    this.#pass = this.#startPrefill(at) ?? this.#startDecode(at);
    if (!this.#pass && this.#waiting.size === 0) this.#newTokenRatio = initialNewTokenRatio;
  }

  #startPrefill(at: number): Pass | undefined {
    if ((this.#isBatchFull || this.#waiting.size === 0) && !this.#chunked) return undefined;
    const { chunkedPrefillTokens, maxRunningRequests } = this.#settings;
    const adder = new PrefillAdder(this.#pool, chunkedPrefillTokens, this.#running, this.#newTokenRatio);
    if (this.#chunked) adder.addChunked(this.#chunked);
    for (const request of this.#waiting) {
      if (request.arrivedAt > at) break;
      this.#isBatchFull = this.#running.length + adder.requests.length >= maxRunningRequests;
      if (this.#isBatchFull) break;
      const left = tokensToFill(request);
      const outcome = adder.add(request);
      this.#isBatchFull = outcome === 'no-memory';
      if (outcome !== 'added') break;
      this.#waiting.delete(request);
      this.#waitingTokens -= left;
    }
    if (adder.requests.length === 0) return undefined;
    this.#chunked = adder.chunked;
    return {
      kind: 'prefill',
      endsAt: at + prefillPassMs(this.#settings, adder.newTokens),
      requests: adder.requests,
      report: {
        newSequences: adder.requests.length,
        newTokens: adder.newTokens,
        cachedTokens: adder.cachedTokens,
        tokenUsage: this.#pool.usage,
        runningRequests: this.#running.length,
        queuedRequests: this.#waiting.size,
        pendingTokens: this.#pendingTokens(),
      },
    };
  }

  #startDecode(at: number): Pass | undefined {
    if (this.#running.length === 0) return undefined;
    if (this.#pool.availableTokens < this.#running.length) this.#retract(at);
    else this.#newTokenRatio = decayedNewTokenRatio(this.#newTokenRatio);
    let contextTokens = 0;
    for (const request of this.#running) {
      this.#pool.allocate(request, 1);
      contextTokens += request.kvTokens;
    }
    return { kind: 'decode', endsAt: at + decodeStepMs(this.#settings, this.#running.length, contextTokens) };
  }

  #endPass(pass: Pass): void {
    this.#pass = undefined;
    if (pass.kind === 'prefill') this.#endPrefill(pass.requests, pass.report, pass.endsAt);
    else this.#endDecode(pass.endsAt);
  }

  #endPrefill(
    requests: readonly RequestState[],
    report: Omit<PrefillReport, 'kind' | 'at' | 'inputTokensPerSecond'>,
    at: number,
  ): void {
    const inputTokensPerSecond = this.#counters.reportPrefill(report.newTokens, at);
    this.#emit({ kind: 'prefill-report', at, ...report, inputTokensPerSecond });
    for (const request of requests) {
      if (request.phase === 'ended') continue;
      request.computedTokens = request.kvTokens;
      this.#pool.shareComputed(request);
      if (tokensLeftToFill(request) > 0) continue;
      if (request.generatedTokens === 0) {
        this.#counters.promptTokens += request.promptTokens;
        this.#counters.cachedTokens += request.cachedTokens;
      }
      request.phase = 'running';
      this.#running.push(request);
      this.#generate(request, at);
    }
    this.#dropEnded();
  }

  #endDecode(at: number): void {
    const stepped = this.#running;
    for (const request of stepped) {
      if (request.phase === 'ended') continue;
      request.computedTokens = request.kvTokens;
      this.#generate(request, at);
    }
    this.#counters.countDecoded(stepped.length);
    this.#counters.decodeIterations++;
    if (this.#counters.decodeIterations % this.#settings.decodeLogInterval === 0) {
      this.#emit({
        kind: 'decode-report',
        at,
        runningRequests: stepped.length,
        usedTokens: this.#pool.usedTokens,
        tokenUsage: this.#pool.usage,
        generatedTokensPerSecond: this.#counters.reportDecode(at),
        queuedRequests: this.#waiting.size,
      });
    }
    this.#dropEnded();
  }

  #generate(request: RequestState, at: number): void {
    const position = request.generatedTokens;
    const { token, stop } = request.generate(position);
    appendGenerated(request, token);
    this.#counters.generatedTokens++;
    this.#emit({ kind: 'token', at, rid: request.rid, position });
    if (request.phase === 'ended') return;
    if (stop) this.#end(request, 'stop', at);
    else if (request.generatedTokens >= request.maxNewTokens) this.#end(request, 'length', at);
  }

  /** Sends running requests back to the queue until the others can go on. */
  #retract(at: number): void {
    const order = retractionOrder(this.#running);
    const retracted: RequestState[] = [];
    while (mustRetractMore(retracted.length, order.length, this.#pool.availableTokens)) {
      const request = order.shift()!;
      this.#pool.release(request);
      request.phase = 'waiting';
      request.retractions++;
      retracted.push(request);
    }
    this.#running = this.#running.filter((request) => request.phase === 'running');
    this.#isBatchFull = false;
    let generatedTokens = 0;
    let maxNewTokens = 0;
    for (const request of this.#running) {
      generatedTokens += request.generatedTokens;
      maxNewTokens += request.maxNewTokens;
    }
    this.#newTokenRatio = newTokenRatioAfterRetraction(this.#running.length, generatedTokens, maxNewTokens);
    for (const request of retracted) {
      this.#counters.retractions++;
      this.#emit({ kind: 'retracted', at, rid: request.rid, generatedTokens: request.generatedTokens });
      if (request.phase === 'waiting') this.#enqueue(request, at);
    }
  }

  #enqueue(request: RequestState, at: number): void {
    const { maxQueuedRequests } = this.#settings;
    if (maxQueuedRequests !== undefined && this.#waiting.size >= maxQueuedRequests) {
      request.phase = 'ended';
      this.#inFlight.delete(request.rid);
      const { rid, generatedTokens } = request;
      this.#emit({ kind: 'rejected', at, rid, reason: 'queue-full', generatedTokens });
      return;
    }
    this.#waiting.add(request);
    this.#waitingTokens += tokensToFill(request);
  }

  #end(request: RequestState, reason: FinishReason, at: number): void {
    const { rid, generatedTokens, cachedTokens } = request;
    if (this.#waiting.delete(request)) this.#waitingTokens -= tokensToFill(request);
    if (this.#chunked === request) this.#chunked = undefined;
    if (request.prefix) {
      this.#pool.shareComputed(request);
      this.#pool.release(request);
    }
    request.phase = 'ended';
    this.#inFlight.delete(rid);
    this.#isBatchFull = false;
    if (reason === 'abort') this.#counters.abortedRequests++;
    else this.#counters.finishedRequests++;
    this.#emit({ kind: 'finished', at, rid, reason, generatedTokens, cachedTokens });
    if (!this.#isAdvancing && !this.#pass) this.#dropEnded();
  }

  #dropEnded(): void {
    if (this.#running.some((request) => request.phase === 'ended')) {
      this.#running = this.#running.filter((request) => request.phase !== 'ended');
    }
  }

  #pendingTokens(): number {
    return this.#waitingTokens + (this.#chunked ? tokensToFill(this.#chunked) - this.#chunked.kvTokens : 0);
  }
}
