import type { EngineEvent } from '../core/types.ts';

type PrefillReport = Extract<EngineEvent, { kind: 'prefill-report' }>;
type DecodeReport = Extract<EngineEvent, { kind: 'decode-report' }>;

/** `Prefill batch, ...` as SGLang 0.5.10 and later write it. Prefill passes do not run in a CUDA graph. */
export function prefillBatchLine(report: PrefillReport): string {
  return (
    `Prefill batch, #new-seq: ${report.newSequences}, #new-token: ${report.newTokens}, ` +
    `#cached-token: ${report.cachedTokens}, token usage: ${report.tokenUsage.toFixed(2)}, ` +
    `#running-req: ${report.runningRequests}, #queue-req: ${report.queuedRequests}, ` +
    `#pending-token: ${report.pendingTokens}, cuda graph: False, ` +
    `input throughput (token/s): ${report.inputTokensPerSecond.toFixed(2)}`
  );
}

export function decodeBatchLine(report: DecodeReport): string {
  return (
    `Decode batch, #running-req: ${report.runningRequests}, #token: ${report.usedTokens}, ` +
    `token usage: ${report.tokenUsage.toFixed(2)}, cuda graph: True, ` +
    `gen throughput (token/s): ${report.generatedTokensPerSecond.toFixed(2)}, #queue-req: ${report.queuedRequests}`
  );
}

/** SGLang raises its new-token ratio to 1 at a retraction and lets it decay from there. */
export function retractionLine(): string {
  return 'KV cache pool is full. Retract requests. #retracted_reqs: 1, #new_token_ratio: 0.7000 -> 1.0000';
}
