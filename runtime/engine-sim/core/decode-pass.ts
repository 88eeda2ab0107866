import { dropEnded, type EngineState } from './engine-state.ts';
import { decayedNewTokenRatio } from './new-token-ratio.ts';
import type { DecodePass } from './pass.ts';
import { decodeStepMs } from './pass-timing.ts';
import { generateToken } from './request-life.ts';
import { retract } from './retraction.ts';

/** Starts a decode step of all running requests, after a retraction if the pool is full; undefined when none runs. */
export function startDecode(state: EngineState, at: number): DecodePass | undefined {
  const { pool } = state;
  if (pool.availableTokens < state.running.length) {
    retract(state, at);
    dropEnded(state);
  } else state.newTokenRatio = decayedNewTokenRatio(state.newTokenRatio, state.initialNewTokenRatio);
  const { running } = state;
  if (running.length === 0) return undefined;
  let contextTokens = 0;
  for (const request of running) {
    pool.allocate(request, 1);
    contextTokens += request.kvTokens;
  }
  return { kind: 'decode', endsAt: at + decodeStepMs(state.settings, running.length, contextTokens) };
}

/** Ends a decode step: one token for each request that is still there. */
export function endDecode(state: EngineState, pass: DecodePass): void {
  const { running, counters, pool, settings } = state;
  const at = pass.endsAt;
  const generatedBefore = counters.generatedTokens;
  for (const request of running) {
    if (request.phase === 'ended') continue;
    request.computedTokens = request.kvTokens;
    generateToken(state, request, at);
  }
  counters.countDecoded(counters.generatedTokens - generatedBefore);
  if (counters.decodeIterations % settings.decodeLogInterval === 0) {
    state.emit({
      kind: 'decode-report',
      at,
      runningRequests: running.length,
      usedTokens: pool.usedTokens,
      tokenUsage: pool.usage,
      generatedTokensPerSecond: counters.reportDecode(at),
      queuedRequests: state.queue.size,
    });
  }
  dropEnded(state);
}
