import { pythonFloat } from '../validation/python-repr.ts';

/** Prometheus text as SGLang's client library writes it: labels sorted by name, every value a Python float. */

export type Labels = Readonly<Record<string, string>>;
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export function renderFamily(
  name: string,
  help: string,
  type: 'gauge' | 'counter',
  samples: readonly Sample[],
): string {
  const lines = samples.map(({ labels, value }) => `${name}${renderLabels(labels)} ${pythonFloat(value)}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

export function renderLabels(labels: Labels): string {
  const pairs = Object.keys(labels)
    .sort()
    .map((name) => `${name}="${escapeLabel(labels[name]!)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** Counts values in buckets, one series per label set. */
export class Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, { labels: Labels; counts: number[]; sum: number; count: number }>();

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#bounds = bounds;
  }

  /** @param count how many observations of that value */
  observe(labels: Labels, value: number, count = 1): void {
    const key = renderLabels(labels);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { labels, counts: this.#bounds.map(() => 0), sum: 0, count: 0 };
      this.#series.set(key, series);
    }
    const bucket = this.#bounds.findIndex((bound) => value <= bound);
    if (bucket >= 0) series.counts[bucket]! += count;
    series.sum += value * count;
    series.count += count;
  }

  /** Empty before the first observation. */
  render(): string {
    if (this.#series.size === 0) return '';
    let text = `# HELP ${this.#name} ${this.#help}\n# TYPE ${this.#name} histogram\n`;
    for (const { labels, counts, sum, count } of this.#series.values()) {
      text += `${this.#name}_sum${renderLabels(labels)} ${pythonFloat(sum)}\n`;
      let cumulative = 0;
      this.#bounds.forEach((bound, i) => {
        cumulative += counts[i]!;
        text += `${this.#name}_bucket${renderLabels({ ...labels, le: pythonFloat(bound) })} ${pythonFloat(cumulative)}\n`;
      });
      text += `${this.#name}_bucket${renderLabels({ ...labels, le: '+Inf' })} ${pythonFloat(count)}\n`;
      text += `${this.#name}_count${renderLabels(labels)} ${pythonFloat(count)}\n`;
    }
    return text;
  }
}

/** A counter with label sets. */
export class Counter {
  readonly #name: string;
  readonly #help: string;
  readonly #series = new Map<string, { labels: Labels; value: number }>();

  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  add(labels: Labels, amount = 1): void {
    const key = renderLabels(labels);
    const series = this.#series.get(key);
    if (series === undefined) this.#series.set(key, { labels, value: amount });
    else series.value += amount;
  }

  /** Empty before the first increment. */
  render(): string {
    if (this.#series.size === 0) return '';
    return renderFamily(this.#name, this.#help, 'counter', [...this.#series.values()]);
  }
}
