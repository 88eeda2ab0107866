import type { EngineState } from './engine-state.ts';
import { appendGenerated, type RequestState } from './request-state.ts';
import type { FinishReason } from './types.ts';

/** Puts a request at the end of the queue. A full queue ends it: at arrival as after a retraction, as in SGLang. */
export function enqueue(state: EngineState, request: RequestState, at: number): void {
  request.phase = 'waiting';
  if (state.queue.offer(request)) return;
  request.phase = 'ended';
  state.inFlight.delete(request.rid);
  const { rid, generatedTokens } = request;
  state.emit({ kind: 'rejected', at, rid, reason: 'queue-full', generatedTokens });
}

/** Gives a request its next token, the end of its prefill or decode step; ends it when that was the last one. */
export function generateToken(state: EngineState, request: RequestState, at: number): void {
  const position = request.generatedTokens;
  const { token, stop } = request.generate(position);
  appendGenerated(request, token);
  state.counters.generatedTokens++;
  state.emit({ kind: 'token', at, rid: request.rid, position });
  if (request.phase === 'ended') return;
  if (stop) endRequest(state, request, 'stop', at);
  else if (request.generatedTokens >= request.maxNewTokens) endRequest(state, request, 'length', at);
}

/** Ends a request in any phase. What it computed stays in the prefix cache, as SGLang keeps it also for an abort. */
export function endRequest(state: EngineState, request: RequestState, reason: FinishReason, at: number): void {
  const { rid, generatedTokens, cachedTokens } = request;
  state.queue.remove(request);
  if (state.chunked === request) state.chunked = undefined;
  state.pool.shareComputed(request);
  state.pool.release(request);
  request.phase = 'ended';
  state.inFlight.delete(rid);
  state.isBatchFull = false;
  if (reason === 'abort') state.counters.abortedRequests++;
  else state.counters.finishedRequests++;
  state.emit({ kind: 'finished', at, rid, reason, generatedTokens, cachedTokens });
}
