import type { LifeEvent, Stamped } from '../shared/engine-log/life-event.ts';
import type { BatchFields } from './batch-fields.ts';

export type { CrashClass, LifeEvent, Rank, StartupPhase } from '../shared/engine-log/life-event.ts';

/** One prefill batch, or one report over the decode steps since the previous report. */
export interface BatchEvent extends Stamped {
  readonly kind: 'prefill' | 'decode';
  readonly fields: BatchFields;
  /** Forward iteration (SGLANG_LOG_FORWARD_ITERS). */
  readonly iteration?: number;
  /** Names that no SGLang version is known to print, and known names with an unreadable value; values as printed. */
  readonly unknownFields?: Readonly<Record<string, string>>;
}

/**
 * A request that ended, from a JSON request log (`--log-requests --log-requests-format json`). A count or time is absent
 * when the engine did not log it. The request's own words stay unread.
 */
export interface FinishedRequestEvent extends Stamped {
  readonly kind: 'request-finished';
  readonly promptTokens?: number;
  /** Of the prompt's, at most as many. */
  readonly cachedTokens?: number;
  readonly completionTokens?: number;
  readonly endToEndSeconds?: number;
  readonly firstTokenSeconds?: number;
  /** Mean time between two tokens of this request. */
  readonly interTokenSeconds?: number;
}

export type LogEvent = BatchEvent | LifeEvent | FinishedRequestEvent;
