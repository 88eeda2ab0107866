import { eventTimeMs } from './event-time.ts';
import { carryAfter, type GroupCarry, groupKey, isRateMeaningful, isReporter } from './group-carry.ts';
import { LastReports } from './last-reports.ts';
import type { BatchEvent, CrashClass, LogEvent } from './log-event.ts';
import { round, spreadOf } from './spread.ts';
import type { WindowAggregate } from './window-aggregate.ts';

/** Carries of all groups by their key: what one window hands to the next. */
export type Carry = Readonly<Record<string, GroupCarry>>;

/** Gathers the events of one window; `close` gives the aggregate, `carry` what the next window starts from. */
export class WindowAggregator {
  readonly #carry: Map<string, GroupCarry>;
  readonly #last = new LastReports();
  readonly #crashes = new Set<CrashClass>();
  readonly #prefillRates: number[] = [];
  readonly #generationRates: number[] = [];
  readonly #counts = {
    lines: 0,
    batchLines: 0,
    copiedBatchLines: 0,
    prefillTokens: 0,
    cachedTokens: 0,
    retractedRequests: 0,
    engineStarts: 0,
    failedHealthChecks: 0,
    orphanedOutputs: 0,
    failedTransfers: 0,
    finishedRequests: 0,
  };
  #generationTokens = 0;

  constructor(carry: Carry = {}) {
    this.#carry = new Map(Object.entries(carry));
  }

  get carry(): Carry {
    return Object.fromEntries(this.#carry);
  }

  /**
   * Takes one line of the log.
   * @param event what the line says, undefined for a line that says nothing
   * @param observedAtMs stands in for the time of a line that prints none
   */
  add(event: LogEvent | undefined, observedAtMs: number): void {
    this.#counts.lines++;
    switch (event?.kind) {
      case undefined:
        break;
      case 'prefill':
      case 'decode':
        this.#addBatch(event, atMs(event, observedAtMs));
        break;
      case 'http-server':
        // A new engine: its ranks may differ, and its first rates span nothing that was seen.
        if (event.stage === 'process-started') this.#carry.clear();
        break;
      case 'ready':
        if (event.mode === 'serving') this.#counts.engineStarts++;
        break;
      case 'retraction':
        if (isReporter(this.#carry.get(groupKey(event.rank)), event.rank, atMs(event, observedAtMs))) {
          this.#counts.retractedRequests += event.requests;
        }
        break;
      case 'health-check-failed':
        this.#counts.failedHealthChecks++;
        break;
      case 'orphaned-output':
        this.#counts.orphanedOutputs++;
        break;
      case 'transfer-failed':
        this.#counts.failedTransfers++;
        break;
      case 'request-finished':
        this.#counts.finishedRequests++;
        break;
      case 'crash':
        if (event.isFatal) this.#crashes.add(event.crashClass);
        break;
    }
  }

  close(): WindowAggregate {
    const { prefillTokens, cachedTokens } = this.#counts;
    const promptTokens = prefillTokens + cachedTokens;
    return {
      ...this.#counts,
      ...this.#last.summary(),
      cacheHitRate: promptTokens === 0 ? null : round(cachedTokens / promptTokens),
      generationTokens: Math.round(this.#generationTokens),
      prefillTokensPerSecond: spreadOf(this.#prefillRates),
      generationTokensPerSecond: spreadOf(this.#generationRates),
      crashes: [...this.#crashes],
    };
  }

  #addBatch(event: BatchEvent, nowMs: number): void {
    const key = groupKey(event.rank);
    const carry = this.#carry.get(key);
    if (!isReporter(carry, event.rank, nowMs)) {
      this.#counts.copiedBatchLines++;
      return;
    }
    this.#counts.batchLines++;
    this.#last.take(key, event.fields);
    if (event.kind === 'prefill') this.#addPrefill(event, carry, nowMs);
    else this.#addDecode(event, carry, nowMs);
    this.#carry.set(key, carryAfter(carry, event, nowMs));
  }

  #addPrefill(event: BatchEvent, carry: GroupCarry | undefined, nowMs: number): void {
    this.#counts.prefillTokens += event.fields['#new-token'] ?? 0;
    this.#counts.cachedTokens += event.fields['#cached-token'] ?? 0;
    const rate = event.fields['input throughput (token/s)'];
    if (rate !== undefined && isRateMeaningful(carry, event, nowMs)) this.#prefillRates.push(rate);
  }

  #addDecode(event: BatchEvent, carry: GroupCarry | undefined, nowMs: number): void {
    const rate = event.fields['gen throughput (token/s)'];
    if (rate === undefined) return;
    const spanMs = nowMs - (carry?.lastDecodeMs ?? nowMs);
    this.#generationTokens += rate * Math.max(0, spanMs / 1_000);
    if (isRateMeaningful(carry, event, nowMs)) this.#generationRates.push(rate);
  }
}

function atMs(event: LogEvent, observedAtMs: number): number {
  return (event.time === null ? undefined : eventTimeMs(event.time)) ?? observedAtMs;
}
