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

export type LogEvent = BatchEvent | LifeEvent;
