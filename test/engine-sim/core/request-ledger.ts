import assert from 'node:assert/strict';
import type { CoreRequest, EngineCore, EngineEvent, EngineSettings } from '../../../runtime/engine-sim/core/types.ts';

/** What a request of a random run does. */
export interface RequestPlan {
  readonly prompt: readonly number[];
  readonly maxNewTokens: number;
  readonly stopAfter: number;
  /** The listener aborts it from within its n-th token. */
  readonly abortAtToken: number | undefined;
  /** The listener submits it again, once, from within its end; if it is retracted, the oldest request is aborted. */
  readonly isRepeated: boolean;
}

interface Entry {
  readonly plan: RequestPlan;
  /** Its place in the order of arrival. */
  arrival: number;
  generateCalls: number;
  tokens: number;
  ending: string | undefined;
}

/**
 * The naive side of the engine's property test: keeps a book on every request and checks each event against it when it
 * happens. It knows what a client may rely on, nothing of how the engine works. (`assert`, because it checks a million
 * things a run and Jest's `expect` takes a minute for that.)
 */
export class RequestLedger {
  readonly entries = new Map<string, Entry>();
  core: EngineCore | undefined;
  readonly #settings: EngineSettings;
  #now = 0;
  #arrivals = 0;
  #lastEventAt = 0;
  #lastFirstToken = -1;

  constructor(settings: EngineSettings) {
    this.#settings = settings;
  }

  submit(plan: RequestPlan, now: number): void {
    const rid = `r${this.entries.size}`;
    const entry: Entry = { plan, arrival: -1, generateCalls: 0, tokens: 0, ending: undefined };
    this.entries.set(rid, entry);
    this.#now = now;
    this.core!.submit(this.#coreRequest(rid, entry), now);
    // Counted afterwards: on its way to `now` the engine may have let the listener submit others.
    entry.arrival = this.#arrivals++;
  }

  advance(now: number): void {
    this.#now = now;
    this.core!.advanceTo(now);
  }

  abort(rid: string, now: number): void {
    this.#now = now;
    const before = this.#lastEventAt;
    const found = this.core!.abort(rid, now);
    const { ending } = this.entries.get(rid)!;
    assert.notEqual(ending, undefined);
    if (found) assert.equal(ending, 'abort');
    assert.ok(this.#lastEventAt >= before);
  }

  readonly listen = (event: EngineEvent): void => {
    assert.ok(event.at >= this.#lastEventAt);
    assert.ok(event.at <= this.#now);
    this.#lastEventAt = event.at;
    this.#checkMemory();
    if (event.kind === 'prefill-report') this.#checkPrefill(event);
    else if (event.kind === 'token') this.#onToken(event);
    else if (event.kind !== 'decode-report') this.#onEnding(event);
  };

  #coreRequest(rid: string, entry: Entry): CoreRequest {
    return {
      rid,
      prompt: entry.plan.prompt,
      maxNewTokens: entry.plan.maxNewTokens,
      generate: (position) => {
        assert.equal(position, entry.generateCalls);
        entry.generateCalls++;
        return { token: position % 3, stop: entry.generateCalls === entry.plan.stopAfter };
      },
    };
  }

  #checkMemory(): void {
    const load = this.core!.snapshot();
    const { maxQueuedRequests = Number.POSITIVE_INFINITY, maxRunningRequests } = this.#settings;
    assert.ok(load.usedTokens >= 0);
    assert.ok(load.usedTokens + load.evictableTokens <= load.maxTotalTokens);
    assert.ok(load.waitingRequests <= maxQueuedRequests);
    assert.ok(load.pendingTokens >= 0);
    let mostHeld = 0;
    let inFlight = 0;
    for (const { plan, tokens, ending } of this.entries.values()) {
      if (ending) continue;
      mostHeld += plan.prompt.length + tokens;
      inFlight++;
    }
    assert.ok(load.usedTokens <= mostHeld);
    // A retracted request is told about before it is back in the queue, hence at most and not exactly.
    assert.ok(load.runningRequests + load.waitingRequests <= inFlight + 1);
    assert.ok(load.runningRequests <= maxRunningRequests + 1);
  }

  #checkPrefill(report: Extract<EngineEvent, { kind: 'prefill-report' }>): void {
    assert.ok(report.newTokens > 0);
    assert.ok(report.newTokens <= this.#settings.chunkedPrefillTokens);
    assert.ok(report.runningRequests + report.newSequences <= this.#settings.maxRunningRequests);
  }

  #onToken({ rid, position }: Extract<EngineEvent, { kind: 'token' }>): void {
    const entry = this.entries.get(rid)!;
    assert.equal(entry.ending, undefined);
    assert.equal(position, entry.tokens);
    entry.tokens++;
    if (position === 0) {
      assert.ok(entry.arrival > this.#lastFirstToken);
      this.#lastFirstToken = entry.arrival;
    }
    if (entry.tokens === entry.plan.abortAtToken) this.abort(rid, this.#now);
  }

  #onEnding(event: Extract<EngineEvent, { kind: 'finished' | 'rejected' | 'retracted' }>): void {
    const entry = this.entries.get(event.rid)!;
    assert.equal(entry.ending, undefined);
    assert.equal(event.generatedTokens, entry.tokens);
    if (event.kind === 'retracted') {
      if (entry.plan.isRepeated) this.#abortOldest();
      return;
    }
    entry.ending = event.kind === 'finished' ? event.reason : event.kind;
    if (event.kind === 'finished') assert.ok(event.cachedTokens < entry.plan.prompt.length);
    if (event.kind === 'rejected') {
      assert.equal(this.core!.snapshot().waitingRequests, this.#settings.maxQueuedRequests);
    }
    if (entry.ending === 'stop') assert.equal(entry.tokens, entry.plan.stopAfter);
    if (entry.ending === 'length') assert.equal(entry.tokens, this.#longestAnswer(entry.plan));
    if (entry.plan.isRepeated) this.submit({ ...entry.plan, isRepeated: false }, this.#now);
  }

  /** In the middle of a retraction, which may leave nobody running. */
  #abortOldest(): void {
    const oldest = [...this.entries].find(([, { ending }]) => ending === undefined);
    if (oldest) this.abort(oldest[0], this.#now);
  }

  #longestAnswer({ prompt, maxNewTokens }: RequestPlan): number {
    return Math.min(maxNewTokens, this.#settings.maxTotalTokens - prompt.length - 2);
  }
}
