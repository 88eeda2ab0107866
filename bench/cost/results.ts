import { type Column, tableLines } from '../../runtime/cli/table.ts';
import { median } from '../support/statistics.ts';
import { formatValue, type Measure, measures } from './measures.ts';
import type { Outcome } from './scenarios.ts';

/** Values of all rounds, by measure and target. */
export class Results {
  readonly #values = new Map<string, Map<string, number[]>>();
  readonly #failures: string[] = [];

  add(target: string, scenario: string, { values, failures, failure }: Outcome): void {
    for (const [measure, value] of Object.entries(values)) {
      const byTarget = this.#values.get(measure) ?? new Map<string, number[]>();
      this.#values.set(measure, byTarget);
      byTarget.set(target, [...(byTarget.get(target) ?? []), value]);
    }
    if (failures > 0)
      this.#failures.push(`${target}, ${scenario}: ${failures} requests failed, first with: ${failure}`);
  }

  /** Median over the rounds; NaN when it was not measured. */
  medianOf({ id, isAdded }: Measure, target: string): number {
    const byTarget = this.#values.get(id);
    const values = byTarget?.get(target) ?? [];
    const base = isAdded && target !== 'direct' ? byTarget?.get('direct') : undefined;
    return median(base ? values.map((value, round) => value - base[round]!) : values);
  }

  /** The table, with the ratio of the first target to each of the others. */
  lines(targets: readonly string[]): string[] {
    const [ours, ...peers] = targets;
    const columns: Column[] = [
      { title: 'measure' },
      { title: 'unit' },
      ...['direct', ...targets].map((title) => ({ title, align: 'right' }) as const),
      ...peers.map((peer) => ({ title: `/ ${peer}`, align: 'right' }) as const),
    ];
    const rows = measures.map((measure) => [
      measure.title,
      measure.unit,
      ...['direct', ...targets].map((target) => formatValue(measure, this.medianOf(measure, target))),
      ...peers.map((peer) => ratio(measure, this.medianOf(measure, ours!), this.medianOf(measure, peer))),
    ]);
    return [...tableLines(columns, rows), ...this.#failures];
  }

  toJson(targets: readonly string[]): unknown {
    return {
      measures: measures.map((measure) => ({
        ...measure,
        targets: Object.fromEntries(
          ['direct', ...targets]
            .filter((target) => this.#values.get(measure.id)?.has(target))
            .map((target) => [
              target,
              { median: this.medianOf(measure, target), rounds: this.#values.get(measure.id)!.get(target) },
            ]),
        ),
      })),
      failures: this.#failures,
    };
  }
}

/** Ratios of amounts near zero, or of what both add to a noisy base, say nothing. */
function ratio({ unit, isAdded }: Measure, ours: number, theirs: number): string {
  const isMeaningful = (unit === 'us' || unit === 's') && !isAdded && theirs > 0;
  return isMeaningful && !Number.isNaN(ours) ? (ours / theirs).toFixed(2) : '';
}
