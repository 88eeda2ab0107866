import { endDecode, startDecode } from './decode-pass.ts';
import { type EngineState, newEngineState, pendingTokens } from './engine-state.ts';
import type { Pass } from './pass.ts';
import { endPrefill, startPrefill } from './prefill-pass.ts';
import { endRequest, enqueue } from './request-life.ts';
import { newRequestState } from './request-state.ts';
import type { CoreRequest, EngineCore, EngineListener, EngineLoadSnapshot, EngineSettings } from './types.ts';

/**
 * A model of SGLang's scheduler: one forward pass at a time, prefill before decode, first come first served.
 * Names and rules follow `Scheduler.get_next_batch_to_run` and what it calls in SGLang 0.5. The clock starts at 0.
 */
export function createEngineCore(settings: EngineSettings, listener: EngineListener): EngineCore {
  return new Scheduler(settings, listener);
}

class Scheduler implements EngineCore {
  readonly #state: EngineState;
  #pass: Pass | undefined;
  #clock = 0;
  #isAdvancing = false;

  constructor(settings: EngineSettings, listener: EngineListener) {
    this.#state = newEngineState(settings, listener);
  }

  submit(request: CoreRequest, now: number): void {
    const state = this.#state;
    if (state.inFlight.has(request.rid)) throw new Error(`Request ${request.rid} is in flight already`);
    this.#runUntil(now, 'before');
    const at = this.#clock;
    const longest = longestAnswer(state.settings, request.prompt.length);
    const added = newRequestState(request, Math.max(0, Math.min(request.maxNewTokens, longest)));
    state.inFlight.set(added.rid, added);
    if (longest < 1) endRequest(state, added, 'abort', at);
    else enqueue(state, added, at);
  }

  abort(rid: string, now: number): boolean {
    this.#runUntil(now, 'through');
    const request = this.#state.inFlight.get(rid);
    if (!request) return false;
    endRequest(this.#state, request, 'abort', this.#clock);
    return true;
  }

  advanceTo(now: number): void {
    this.#runUntil(now, 'through');
  }

  nextEventAt(): number | undefined {
    if (this.#pass) return this.#pass.endsAt;
    const { running, chunked, queue } = this.#state;
    const isIdle = running.length === 0 && !chunked && queue.size === 0;
    return isIdle ? undefined : this.#clock;
  }

  flushCache(): boolean {
    if (this.#state.inFlight.size > 0) return false;
    this.#state.pool.clear();
    return true;
  }

  cachedPrefixTokens(prompt: ArrayLike<number>): number {
    return this.#state.pool.reusableTokens(prompt, prompt.length);
  }

  snapshot(): EngineLoadSnapshot {
    const { counters, pool, queue, inFlight } = this.#state;
    const runningRequests = inFlight.size - queue.size;
    return {
      runningRequests,
      waitingRequests: queue.size,
      pendingTokens: pendingTokens(this.#state),
      usedTokens: pool.usedTokens,
      evictableTokens: pool.evictableTokens,
      maxTotalTokens: pool.maxTokens,
      totals: counters.totals(),
      generatedTokensPerSecond: runningRequests > 0 ? counters.decodedPerSecond(this.#clock) : 0,
    };
  }

  /**
   * Runs what happens before `now`, or also at it, and moves the clock there. Does nothing when a listener calls back in
   * the middle of it: for what the listener does it is the time of the event.
   */
  #runUntil(now: number, edge: 'before' | 'through'): void {
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    try {
      for (let at = this.nextEventAt(); at !== undefined; at = this.nextEventAt()) {
        if (at > now || (at === now && edge === 'before')) break;
        this.#clock = at;
        this.#endPass();
        this.#startPass(at);
      }
      this.#clock = Math.max(this.#clock, now);
    } finally {
      this.#isAdvancing = false;
    }
  }

  #endPass(): void {
    const pass = this.#pass;
    this.#pass = undefined;
    if (pass?.kind === 'prefill') endPrefill(this.#state, pass);
    else if (pass) endDecode(this.#state, pass);
  }

  #startPass(at: number): void {
    const state = this.#state;
    this.#pass = startPrefill(state, at) ?? startDecode(state, at);
    if (state.inFlight.size === 0) state.newTokenRatio = state.initialNewTokenRatio;
  }
}

/**
 * The most tokens that the pool can hold beside a prompt, two short of all as in SGLang
 * (`Scheduler.init_req_max_new_tokens`); below 1 when the prompt itself is too long. So every admitted request can end.
 */
function longestAnswer(settings: EngineSettings, promptTokens: number): number {
  return settings.maxTotalTokens - promptTokens - 2;
}
