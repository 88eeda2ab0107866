/** What is known of an engine's speed before it has answered anything: between an A10G and an H100 with an 8B model. */
const priorTokensPerSecond = 8_000;
/** The rate is the median of this many busy periods. */
const rememberedPeriods = 16;
/** With fewer the rate of the worker's group counts, not its own. */
const enoughPeriods = 8;
/** Rates that are closer to each other count as equal. */
const clearRatio = 1.3;
/** SGLang's default `--chunked-prefill-size` for large GPUs: what one pass computes at most. */
const passTokens = 8_192;
/** With fewer uncached tokens a busy period says more about decode steps than about prefill speed. */
const minPeriodTokens = 1_024;
/** A queue that is never empty must teach too: after so many tokens, of which a pass more or less is not much. */
const maxPeriodTokens = 4 * passTokens;

/** One request between its dispatch and its first token. */
export interface PrefillEntry {
  readonly uncachedTokens: number;
  /** False when the answer comes as a whole, so that the end of the prefill has to be guessed. */
  readonly isObservable: boolean;
}

/**
 * The prefill work that one engine has before it, as this router knows it: engines prefill in order of arrival, so a new
 * request waits for everything ahead of it. Counted in uncached tokens; of the pass under way only what is left after
 * the time it has had. All times are ms on the caller's clock.
 *
 * The rate is learned from busy periods, from the first request to the moment when nothing waits: passes mix requests,
 * so that single first-token times are wrong by up to a pass. The median of periods counts, because one in which the
 * engine waited for room in its KV pool says nothing about its speed.
 */
export class PrefillQueue {
  readonly #entries = new Set<PrefillEntry>();
  #tokens = 0;
  /** When the engine turned to the present head of the queue. */
  #headSinceMs = 0;
  /** What it turned to then: the head, and what fits into its pass of those behind. */
  #turnTokens = 0;
  #periodSinceMs = 0;
  /** Tokens of the busy period whose first token came; NaN when one of its requests ended without telling. */
  #periodTokens = 0;
  /** Tokens per second of the last periods, oldest first. */
  readonly #rates: number[] = [];
  #observedRate: number | null = null;

  /** Uncached tokens per second of prefill: the observed rate, or a prior. */
  get tokensPerSecond(): number {
    return this.#observedRate ?? priorTokensPerSecond;
  }

  get observedTokensPerSecond(): number | null {
    return this.#observedRate;
  }

  /**
   * Observed rate of a group of workers that serve the same, each counted by what it has observed; a prior without any.
   * The geometric mean, so that it does not matter which one is twice as fast as the other.
   */
  static groupRate(workers: readonly { readonly prefill: PrefillQueue }[]): number {
    let weights = 0;
    let sum = 0;
    for (const { prefill } of workers) {
      if (prefill.#observedRate === null) continue;
      weights += prefill.#rates.length;
      sum += prefill.#rates.length * Math.log(prefill.#observedRate);
    }
    return weights > 0 ? Math.exp(sum / weights) : priorTokensPerSecond;
  }

  /**
   * The rate to count on: the worker's own once it has been observed well and differs clearly, else the group's. Equal
   * workers must look equal: one that seems slower for a few bad periods would get no work to show that it is not.
   */
  rateWithin(groupRate: number): number {
    if (this.#observedRate === null || this.#rates.length < enoughPeriods) return groupRate;
    const ratio = this.#observedRate / groupRate;
    return ratio > clearRatio || ratio < 1 / clearRatio ? this.#observedRate : groupRate;
  }

  add(uncachedTokens: number, nowMs: number, isObservable: boolean): PrefillEntry {
    this.#passUnobservable(nowMs);
    const entry = { uncachedTokens, isObservable };
    this.#entries.add(entry);
    this.#tokens += uncachedTokens;
    if (this.#entries.size > 1) return entry;
    this.#turn(nowMs);
    this.#beginPeriod(nowMs);
    return entry;
  }

  /** The request's first token arrived: its prefill is over. */
  firstToken(entry: PrefillEntry, nowMs: number): void {
    if (!this.#entries.has(entry)) return;
    this.#delete(entry);
    this.#turn(nowMs);
    this.#periodTokens += entry.uncachedTokens;
    if (this.#entries.size === 0 || this.#periodTokens >= maxPeriodTokens) this.#learn(nowMs);
  }

  /** The request failed or was aborted before its first token. Harmless after `firstToken`. */
  remove(entry: PrefillEntry, nowMs: number): void {
    if (!this.#entries.has(entry)) return;
    const wasHead = this.#entries.values().next().value === entry;
    this.#delete(entry);
    if (wasHead) this.#turn(nowMs);
    this.#periodTokens = Number.NaN;
  }

  /** How long the whole queue takes by the present rate, in ms, as if its head had just begun. */
  get backlogMs(): number {
    return (1_000 * this.#tokens) / this.tokensPerSecond;
  }

  /** How long a request that arrives now waits before its own prefill begins, in ms. */
  waitMs(nowMs: number, tokensPerSecond = this.tokensPerSecond): number {
    this.#passUnobservable(nowMs);
    if (this.#entries.size === 0) return 0;
    const rate = tokensPerSecond / 1_000;
    return (this.#tokens - Math.min(this.#turnTokens, Math.max(0, nowMs - this.#headSinceMs) * rate)) / rate;
  }

  /** First-token time of a request that arrives now, in ms. */
  firstTokenMs(uncachedTokens: number, nowMs: number): number {
    return this.waitMs(nowMs) + (1_000 * uncachedTokens) / this.tokensPerSecond;
  }

  /** Takes requests off the head whose prefill is over by the learned rate and who will not tell. */
  #passUnobservable(nowMs: number): void {
    for (const head of this.#entries) {
      const endMs = this.#headSinceMs + (1_000 * head.uncachedTokens) / this.tokensPerSecond;
      if (head.isObservable || endMs > nowMs) return;
      this.#delete(head);
      this.#turn(endMs);
      this.#periodTokens = Number.NaN;
    }
  }

  #turn(nowMs: number): void {
    const head = this.#entries.values().next().value;
    this.#headSinceMs = nowMs;
    this.#turnTokens = Math.max(head?.uncachedTokens ?? 0, Math.min(passTokens, this.#tokens));
  }

  #beginPeriod(nowMs: number): void {
    this.#periodSinceMs = nowMs;
    this.#periodTokens = 0;
  }

  #learn(nowMs: number): void {
    if (this.#periodTokens >= minPeriodTokens && nowMs > this.#periodSinceMs) {
      this.#rates.push((1_000 * this.#periodTokens) / (nowMs - this.#periodSinceMs));
      if (this.#rates.length > rememberedPeriods) this.#rates.shift();
      this.#observedRate = this.#rates.toSorted((a, b) => a - b)[this.#rates.length >> 1]!;
    }
    this.#beginPeriod(nowMs);
  }

  #delete(entry: PrefillEntry): void {
    this.#entries.delete(entry);
    this.#tokens = this.#entries.size === 0 ? 0 : this.#tokens - entry.uncachedTokens;
  }
}
