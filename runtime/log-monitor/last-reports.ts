import type { BatchFields } from './batch-fields.ts';
import { spreadOf, sumOrNull } from './spread.ts';
import type { WindowAggregate } from './window-aggregate.ts';

interface LastValues {
  running?: number | undefined;
  queued?: number | undefined;
  pending?: number | undefined;
  kvUsage?: number | undefined;
}

export type LastReportsSummary = Pick<
  WindowAggregate,
  'dataParallelRanks' | 'runningRequests' | 'queuedRequests' | 'pendingTokens' | 'kvCacheUsage' | 'kvCacheUsageMax'
>;

/** The gauges of a window: what each data-parallel rank said last, and how they add up. */
export class LastReports {
  readonly #byGroup = new Map<string, LastValues>();
  #kvCacheUsageMax: number | null = null;

  take(group: string, fields: BatchFields): void {
    const last = this.#byGroup.get(group) ?? {};
    this.#byGroup.set(group, last);
    last.running = fields['#running-req'] ?? fields['mixed #running-req'] ?? last.running;
    last.queued = fields['#queue-req'] ?? last.queued;
    last.pending = fields['#pending-token'] ?? last.pending;
    const usage = kvUsageOf(fields);
    if (usage === undefined) return;
    last.kvUsage = usage;
    this.#kvCacheUsageMax = Math.max(this.#kvCacheUsageMax ?? 0, usage);
  }

  summary(): LastReportsSummary {
    const kvUsage = spreadOf(this.#valuesOf('kvUsage'));
    return {
      dataParallelRanks: this.#byGroup.size,
      runningRequests: sumOrNull(this.#valuesOf('running')),
      queuedRequests: sumOrNull(this.#valuesOf('queued')),
      pendingTokens: sumOrNull(this.#valuesOf('pending')),
      kvCacheUsage: kvUsage?.mean ?? null,
      kvCacheUsageMax: this.#kvCacheUsageMax,
    };
  }

  #valuesOf(name: keyof LastValues): number[] {
    return [...this.#byGroup.values()].map((values) => values[name]).filter((value) => value !== undefined);
  }
}

/** Share of the fullest pool: models with several pools stop admitting when any of them is full. */
export function kvUsageOf(fields: BatchFields): number | undefined {
  const usages = [
    fields['token usage'],
    fields['full token usage'],
    fields['swa token usage'],
    fields['mamba usage'],
    fields['gpu token usage'],
  ].filter((usage) => usage !== undefined);
  return usages.length === 0 ? undefined : Math.max(...usages);
}
