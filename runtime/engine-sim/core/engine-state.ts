import { KvPool } from './kv-pool.ts';
import { LoadCounters } from './load-counters.ts';
import { initialNewTokenRatio } from './new-token-ratio.ts';
import { RequestQueue } from './request-queue.ts';
import { type RequestState, tokensLeftToFill } from './request-state.ts';
import type { EngineListener, EngineSettings } from './types.ts';

/** All that the scheduler knows; the files beside this one each do one thing with it. */
export interface EngineState {
  readonly settings: EngineSettings;
  readonly emit: EngineListener;
  readonly pool: KvPool;
  readonly counters: LoadCounters;
  readonly queue: RequestQueue;
  /** Every request that has not ended, by rid. */
  readonly inFlight: Map<string, RequestState>;
  /** Requests that decode. One that ended stays until the pass under way is over. */
  running: RequestState[];
  /** The request whose prompt the next prefill pass goes on with; it is in no other list. */
  chunked: RequestState | undefined;
  newTokenRatio: number;
  readonly initialNewTokenRatio: number;
  /** No admission is tried until a request leaves (SGLang `batch_is_full`). */
  isBatchFull: boolean;
}

export function newEngineState(settings: EngineSettings, emit: EngineListener): EngineState {
  const newTokenRatio = initialNewTokenRatio(settings.scheduleConservativeness);
  return {
    settings,
    emit,
    pool: new KvPool(settings.maxTotalTokens, settings.cacheBlockTokens),
    counters: new LoadCounters(0),
    queue: new RequestQueue(settings.maxQueuedRequests),
    inFlight: new Map(),
    running: [],
    chunked: undefined,
    newTokenRatio,
    initialNewTokenRatio: newTokenRatio,
    isBatchFull: false,
  };
}

/** Tokens still to prefill over the queue and the chunked request: `#pending-token` of SGLang's prefill line. */
export function pendingTokens(state: EngineState): number {
  return state.queue.tokens + (state.chunked ? tokensLeftToFill(state.chunked) : 0);
}

/** Takes requests that ended out of the running batch. */
export function dropEnded(state: EngineState): void {
  if (state.running.some((request) => request.phase === 'ended')) {
    state.running = state.running.filter((request) => request.phase !== 'ended');
  }
}
