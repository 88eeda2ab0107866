import { dropEnded, type EngineState, pendingTokens } from './engine-state.ts';
import type { PrefillPass } from './pass.ts';
import { prefillPassMs } from './pass-timing.ts';
import { PrefillAdder } from './prefill-adder.ts';
import { generateToken } from './request-life.ts';
import { tokensLeftToFill } from './request-state.ts';

/**
 * Starts a prefill with the chunked request and as many waiting ones as fit, in order; undefined when there is none
 * (SGLang `Scheduler.get_new_batch_prefill`).
 */
export function startPrefill(state: EngineState, at: number): PrefillPass | undefined {
  if (!state.chunked && (state.isBatchFull || state.queue.size === 0)) return undefined;
  const { settings, pool } = state;
  const adder = new PrefillAdder(pool, settings.chunkedPrefillTokens, state.running, state.newTokenRatio);
  if (state.chunked) adder.addChunked(state.chunked);
  addWaiting(state, adder);
  if (adder.requests.length === 0) return undefined;
  state.chunked = adder.chunked;
  return {
    kind: 'prefill',
    endsAt: at + prefillPassMs(settings, adder.newTokens, adder.attendedTokens),
    requests: adder.requests,
    report: {
      newSequences: adder.requests.length,
      newTokens: adder.newTokens,
      cachedTokens: adder.cachedTokens,
      tokenUsage: pool.usage,
      runningRequests: state.running.length,
      queuedRequests: state.queue.size,
      pendingTokens: pendingTokens(state),
    },
  };
}

function addWaiting(state: EngineState, adder: PrefillAdder): void {
  for (const request of state.queue) {
    if (state.running.length + adder.requests.length >= state.settings.maxRunningRequests) {
      state.isBatchFull = true;
      return;
    }
    const outcome = adder.add(request);
    if (outcome === 'no-memory') state.isBatchFull = true;
    if (outcome !== 'added') return;
    state.queue.remove(request);
  }
}

/** Ends a prefill: what it computed is shared through the cache, and whose prompt is complete gets its next token. */
export function endPrefill(state: EngineState, pass: PrefillPass): void {
  const { counters, pool } = state;
  const { endsAt: at, report } = pass;
  const inputTokensPerSecond = counters.reportPrefill(report.newTokens, at);
  state.emit({ kind: 'prefill-report', at, ...report, inputTokensPerSecond });
  for (const request of pass.requests) {
    if (request.phase === 'ended') continue;
    request.computedTokens = request.kvTokens;
    pool.shareComputed(request);
    if (tokensLeftToFill(request) > 0) continue;
    if (request.generatedTokens === 0) counters.countPrompt(request.promptTokens, request.cachedTokens);
    request.phase = 'running';
    state.running.push(request);
    generateToken(state, request, at);
  }
  dropEnded(state);
}
