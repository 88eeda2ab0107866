/** What is known of an engine's speed before it has answered anything: between an A10G and an H100 with an 8B model. */
const priorTokensPerSecond = 8_000;
/** Weight that past observations keep with each new one; about the last ten count. */
const memory = 0.9;
/** Below this many uncached tokens a first-token time says more about decode steps than about prefill speed. */
const minObservedTokens = 512;

/** One request between its dispatch and its first token. */
export interface PrefillEntry {
  readonly uncachedTokens: number;
  readonly sentAtMs: number;
  /** False when the answer comes as a whole, so that the end of the prefill has to be guessed. */
  readonly isObservable: boolean;
}

/**
 * The prefill work that one engine has before it, as this router knows it: engines prefill in order of arrival, so a new
 * request waits for everything ahead of it. Counted in uncached tokens; of the request at the head only what is left
 * after the time it has had. The rate is learned from first-token times. All times are ms on the caller's clock.
 */
export class PrefillQueue {
  readonly #entries = new Set<PrefillEntry>();
  #tokens = 0;
  /** When the engine turned to the present head of the queue. */
  #headSinceMs = 0;
  #observedTokens = 0;
  #observedMs = 0;

  /** Uncached tokens per second of prefill: the observed rate, or a prior. */
  get tokensPerSecond(): number {
    return this.observedTokensPerSecond ?? priorTokensPerSecond;
  }

  get observedTokensPerSecond(): number | null {
    return this.#observedMs > 0 ? (1_000 * this.#observedTokens) / this.#observedMs : null;
  }

  add(uncachedTokens: number, nowMs: number, isObservable: boolean): PrefillEntry {
    this.#passUnobservable(nowMs);
    if (this.#entries.size === 0) this.#headSinceMs = nowMs;
    const entry = { uncachedTokens, sentAtMs: nowMs, isObservable };
    this.#entries.add(entry);
    this.#tokens += uncachedTokens;
    return entry;
  }

  /** The request's first token arrived: its prefill is over, and its duration teaches the rate. */
  firstToken(entry: PrefillEntry, nowMs: number): void {
    if (!this.#entries.has(entry)) return;
    const busyMs = nowMs - Math.max(entry.sentAtMs, this.#headSinceMs);
    if (entry.uncachedTokens >= minObservedTokens && busyMs >= 0) {
      this.#observedTokens = this.#observedTokens * memory + entry.uncachedTokens;
      // Requests of one prefill pass answer together: the later ones add tokens and hardly any time, rightly.
      this.#observedMs = Math.max(this.#observedMs * memory + busyMs, 0.001);
    }
    this.#headSinceMs = nowMs;
    this.#delete(entry);
  }

  /** The request failed or was aborted before its first token. Harmless after `firstToken`. */
  remove(entry: PrefillEntry, nowMs: number): void {
    if (!this.#entries.has(entry)) return;
    if (this.#entries.values().next().value === entry) this.#headSinceMs = nowMs;
    this.#delete(entry);
  }

  /** How long the whole queue takes by the present rate, in ms, as if its head had just begun. */
  get backlogMs(): number {
    return (1_000 * this.#tokens) / this.tokensPerSecond;
  }

  /** How long a request that arrives now waits before its own prefill begins, in ms. */
  waitMs(nowMs: number): number {
    this.#passUnobservable(nowMs);
    const head = this.#entries.values().next().value;
    if (!head) return 0;
    const rate = this.tokensPerSecond / 1_000;
    const doneTokens = Math.min(head.uncachedTokens, Math.max(0, nowMs - this.#headSinceMs) * rate);
    return (this.#tokens - doneTokens) / rate;
  }

  /** Takes requests off the head whose prefill is over by the learned rate and who will not tell. */
  #passUnobservable(nowMs: number): void {
    for (const head of this.#entries) {
      const endMs = this.#headSinceMs + (1_000 * head.uncachedTokens) / this.tokensPerSecond;
      if (head.isObservable || endMs > nowMs) return;
      this.#headSinceMs = endMs;
      this.#delete(head);
    }
  }

  #delete(entry: PrefillEntry): void {
    this.#entries.delete(entry);
    this.#tokens = this.#entries.size === 0 ? 0 : this.#tokens - entry.uncachedTokens;
  }
}
