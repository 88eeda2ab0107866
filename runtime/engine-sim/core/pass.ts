import type { RequestState } from './request-state.ts';
import type { EngineEvent } from './types.ts';

type ReportMadeAtTheEnd = 'kind' | 'at' | 'inputTokensPerSecond';

/** A prefill under way. Its report is made up when it starts, as SGLang's is. */
export interface PrefillPass {
  readonly kind: 'prefill';
  readonly endsAt: number;
  readonly requests: readonly RequestState[];
  readonly report: Omit<Extract<EngineEvent, { kind: 'prefill-report' }>, ReportMadeAtTheEnd>;
}

/** A decode step of the running batch under way. */
export interface DecodePass {
  readonly kind: 'decode';
  readonly endsAt: number;
}

/** The one forward pass that the GPU is busy with. Times in ms of engine time. */
export type Pass = PrefillPass | DecodePass;
