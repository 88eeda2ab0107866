import type { BatchEvent, Rank } from './log-event.ts';

/**
 * What has to be remembered about one data-parallel rank from one window to the next. Plain data: it is saved with the
 * file position, so that a restart neither counts a batch twice nor forgets when the last report was.
 * Times are ms of the log's own clock.
 */
export interface GroupCarry {
  /** The rank whose lines count; every pipeline stage and context-parallel rank prints a copy of the same batch. */
  readonly reporter: string;
  readonly reporterSpokeMs: number;
  readonly lastPrefillMs: number | null;
  readonly lastDecodeMs: number | null;
  /** True when a prefill since the last decode report found nothing running. */
  readonly wasEmptySinceDecode: boolean;
}

/** A reporter that stays silent this long, while a copy speaks, has been replaced (a restart with other ranks). */
const reporterSilenceMs = 30_000;
/** Silence that makes the next rate of an engine that was empty say more about the pause than about its speed. */
const idleGapMs = 2_000;

/** Data-parallel ranks share nothing and are summed; before 0.2.14 the GPU number told them apart. */
export function groupKey(rank: Rank): string {
  return `DP${rank['DP'] ?? ''}${rank['gpu'] === undefined ? '' : `gpu${rank['gpu']}`}`;
}

/** Whether a line of `rank` counts, or repeats what another rank of its group says. */
export function isReporter(carry: GroupCarry | undefined, rank: Rank, nowMs: number): boolean {
  return carry === undefined || carry.reporter === rankKey(rank) || nowMs - carry.reporterSpokeMs > reporterSilenceMs;
}

/** The group's carry after `event` of its reporter, at `nowMs`. */
export function carryAfter(carry: GroupCarry | undefined, event: BatchEvent, nowMs: number): GroupCarry {
  const isPrefill = event.kind === 'prefill';
  const foundNothingRunning = isPrefill && event.fields['#running-req'] === 0;
  return {
    reporter: rankKey(event.rank),
    reporterSpokeMs: nowMs,
    lastPrefillMs: isPrefill ? nowMs : (carry?.lastPrefillMs ?? null),
    lastDecodeMs: isPrefill ? (carry?.lastDecodeMs ?? null) : nowMs,
    wasEmptySinceDecode: isPrefill && (foundNothingRunning || (carry?.wasEmptySinceDecode ?? false)),
  };
}

/**
 * Whether the rate that `event` prints speaks of a busy engine. SGLang divides by the time since the previous line of
 * the kind, so the first one after an idle gap is far too low (6.4 and then 141 token/s in its own documentation).
 * One-token prefills are health probes.
 */
export function isRateMeaningful(carry: GroupCarry | undefined, event: BatchEvent, nowMs: number): boolean {
  const previousMs = event.kind === 'prefill' ? carry?.lastPrefillMs : carry?.lastDecodeMs;
  if (carry === undefined || previousMs === undefined || previousMs === null) return false;
  if (event.kind === 'prefill' && event.fields['#new-token'] === 1) return false;
  // A decode server has no prefill lines to tell that it was empty; a long silence must do.
  const { fields } = event;
  const wasEmpty =
    event.kind === 'prefill' ? fields['#running-req'] === 0 : carry.wasEmptySinceDecode || '#transfer-req' in fields;
  const gapMs = nowMs - previousMs;
  // Time that runs backwards means another clock or another log.
  if (gapMs < 0) return false;
  return !(wasEmpty && gapMs > ('#transfer-req' in fields ? 5 * idleGapMs : idleGapMs));
}

function rankKey(rank: Rank): string {
  return Object.entries(rank)
    .map(([name, value]) => `${name}${value}`)
    .join(' ');
}
