/**
 * The engine model's contract. The core is a pure discrete-event machine: it owns no timer, no socket and no text.
 * Whoever drives it (the HTTP skin in real or scaled time, an offline simulation in a loop) calls `advanceTo` with the
 * time it is, receives events through the listener, and asks `nextEventAt` when to come back.
 * All times are milliseconds of engine time from an arbitrary origin; all sizes are tokens.
 */

export interface EngineSettings {
  /** Uncached prompt tokens that one forward pass computes per second. */
  readonly prefillTokensPerSecond: number;
  /** Context at which a prompt token costs twice as much as the first one, for its attention. @default - all cost the same */
  readonly prefillDoublingContextTokens?: number | undefined;
  /** Cost of a prefill pass beside its tokens. */
  readonly prefillOverheadMs: number;
  /** Most prompt tokens of one prefill pass; longer prompts are prefilled in chunks. */
  readonly chunkedPrefillTokens: number;
  /** A decode step beside its requests and their context: reading the weights once. */
  readonly decodeStepMs: number;
  /** Added to a decode step per running request. */
  readonly decodeMsPerRequest: number;
  /** Added to a decode step per 1,000 tokens of context over all running requests. */
  readonly decodeMsPerThousandContextTokens: number;
  /** KV pool: running requests and the prefix cache share it. */
  readonly maxTotalTokens: number;
  readonly maxRunningRequests: number;
  /** Bound on the waiting queue; undefined is unbounded, SGLang's default. */
  readonly maxQueuedRequests: number | undefined;
  /** SGLang's `--schedule-conservativeness`: below 1 more is admitted and more retracted. @default 1 */
  readonly scheduleConservativeness?: number | undefined;
  /** Granularity at which cached prefixes are reused: SGLang's page size, 1 by default. */
  readonly cacheBlockTokens: number;
  /** Decode iterations between two `decode-report` events; SGLang's default is 40. */
  readonly decodeLogInterval: number;
}

export interface CoreRequest {
  /** Unique among the requests in flight. */
  readonly rid: string;
  /** Token ids of the prompt, at least one. Must not change any more: the engine keeps it without a copy. */
  readonly prompt: ArrayLike<number>;
  /** Upper bound on generated tokens, at least 1; cut to what the pool can hold beside the prompt, as SGLang does. */
  readonly maxNewTokens: number;
  /**
   * Makes the token at `position` (0 = first generated). Called at most once per position, in order, also across a
   * retraction (recomputed tokens are not generated again). `stop` ends the request with this token included.
   */
  readonly generate: (position: number) => { readonly token: number; readonly stop: boolean };
}

export type FinishReason = 'stop' | 'length' | 'abort';

/** What the core tells its listener, in the order in which it happens. `at` is engine time. */
export type EngineEvent =
  /** A prefill pass ended: one per pass, as SGLang logs it. */
  | {
      readonly kind: 'prefill-report';
      readonly at: number;
      readonly newSequences: number;
      readonly newTokens: number;
      readonly cachedTokens: number;
      readonly tokenUsage: number;
      readonly runningRequests: number;
      readonly queuedRequests: number;
      readonly pendingTokens: number;
      readonly inputTokensPerSecond: number;
    }
  /** Every `decodeLogInterval` decode iterations. */
  | {
      readonly kind: 'decode-report';
      readonly at: number;
      readonly runningRequests: number;
      readonly usedTokens: number;
      readonly tokenUsage: number;
      readonly generatedTokensPerSecond: number;
      readonly queuedRequests: number;
    }
  /** One generated token. The first one of a request comes with the end of its prefill. */
  | { readonly kind: 'token'; readonly at: number; readonly rid: string; readonly position: number }
  | {
      readonly kind: 'finished';
      readonly at: number;
      readonly rid: string;
      readonly reason: FinishReason;
      readonly generatedTokens: number;
      readonly cachedTokens: number;
    }
  /**
   * The request was refused or thrown out. `queue-full` at `submit` means no work was done; after a retraction it means
   * that `generatedTokens` of work are lost (SGLang answers both with "The request queue is full.").
   */
  | {
      readonly kind: 'rejected';
      readonly at: number;
      readonly rid: string;
      readonly reason: 'queue-full';
      readonly generatedTokens: number;
    }
  /** The pool was full: the request goes back to the waiting queue and is prefilled again later. */
  | { readonly kind: 'retracted'; readonly at: number; readonly rid: string; readonly generatedTokens: number };

/** A snapshot for `/v1/loads` and `/metrics`. */
export interface EngineLoadSnapshot {
  readonly runningRequests: number;
  readonly waitingRequests: number;
  /** Tokens still to prefill over waiting and chunked requests. */
  readonly pendingTokens: number;
  /** Tokens that running requests hold. */
  readonly usedTokens: number;
  /** Tokens in the prefix cache that could be evicted. */
  readonly evictableTokens: number;
  readonly maxTotalTokens: number;
  readonly totals: {
    readonly promptTokens: number;
    readonly cachedTokens: number;
    readonly generatedTokens: number;
    readonly finishedRequests: number;
    readonly abortedRequests: number;
    readonly retractions: number;
  };
  /** Tokens per second since the previous report, 0 when idle. */
  readonly generatedTokensPerSecond: number;
}

export interface EngineCore {
  /**
   * Adds a request at time `now` (not before the last `advanceTo`), after running what ends before `now`. Emits
   * `rejected` at once when the queue is full, and `finished` with reason `abort` when the pool could never hold it.
   * An idle engine starts at the next `advanceTo`, so requests of the same moment share a pass. Throws for a `rid` that
   * is in flight.
   */
  submit(request: CoreRequest, now: number): void;
  /**
   * Ends a request in any state with a `finished` event of reason `abort`; false when it is not in flight. What it holds
   * is free at once; a pass under way takes as long as it would have.
   */
  abort(rid: string, now: number): boolean;
  /** Runs every pass that ends at or before `now` and emits its events. A listener may submit and abort: at the event's time. */
  advanceTo(now: number): void;
  /** When something happens next, undefined while idle. */
  nextEventAt(): number | undefined;
  /** Empties the prefix cache; false (and nothing done) while requests are in flight, as SGLang. */
  flushCache(): boolean;
  snapshot(): EngineLoadSnapshot;
  /** Cached tokens that a prompt would find now, less than all of it; changes nothing. */
  cachedPrefixTokens(prompt: ArrayLike<number>): number;
}

export type EngineListener = (event: EngineEvent) => void;
