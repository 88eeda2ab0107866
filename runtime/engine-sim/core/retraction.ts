import type { EngineState } from './engine-state.ts';
import { newTokenRatioAfterRetraction, retractDecodeSteps } from './new-token-ratio.ts';
import { enqueue } from './request-life.ts';
import type { RequestState } from './request-state.ts';

/**
 * Sends running requests back to the queue until the next decode step of the others fits; one always stays. Their
 * prompts stay in the cache unless the room is needed, their generated tokens are computed again later (SGLang
 * `ScheduleBatch.retract_decode`).
 */
export function retract(state: EngineState, at: number): void {
  const { pool } = state;
  const order = retractionOrder(state.running);
  const retracted = new Set<RequestState>();
  for (const request of order) {
    const remaining = order.length - retracted.size;
    if (remaining === 1 || (retracted.size > 0 && pool.availableTokens >= remaining)) break;
    pool.release(request);
    pool.makeRoom((remaining - 1) * retractDecodeSteps);
    request.retractions++;
    retracted.add(request);
  }
  state.running = state.running.filter((request) => !retracted.has(request));
  state.newTokenRatio = newTokenRatioAfterRetraction(state.running);
  state.isBatchFull = false;
  for (const request of retracted) request.phase = 'waiting';
  for (const request of retracted) {
    if (request.phase !== 'waiting') continue;
    state.counters.retractions++;
    state.emit({ kind: 'retracted', at, rid: request.rid, generatedTokens: request.generatedTokens });
    if (request.phase === 'waiting') enqueue(state, request, at);
  }
}

/** Running requests, the first to go first: least output, among equals the longest prompt. */
export function retractionOrder(running: readonly RequestState[]): RequestState[] {
  return running.toSorted(
    (left, right) => left.generatedTokens - right.generatedTokens || right.promptTokens - left.promptTokens,
  );
}
