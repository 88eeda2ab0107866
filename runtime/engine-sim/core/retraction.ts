import { retractDecodeSteps } from './new-token-ratio.ts';
import type { RequestState } from './request-state.ts';

/**
 * Running requests in the order in which a full pool sends them back: least output first, among equals the longest
 * prompt (SGLang `ScheduleBatch.retract_decode`).
 */
export function retractionOrder(running: readonly RequestState[]): RequestState[] {
  return [...running].sort(
    (left, right) => left.generatedTokens - right.generatedTokens || right.promptTokens - left.promptTokens,
  );
}

/** Whether one more must go: at least one does, and then until the others can decode a while. One always stays. */
export function mustRetractMore(retracted: number, remaining: number, availableTokens: number): boolean {
  if (remaining <= 1) return false;
  return retracted === 0 || availableTokens < remaining * retractDecodeSteps;
}
