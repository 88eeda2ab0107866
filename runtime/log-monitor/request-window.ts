import type { FinishedRequestEvent } from './log-event.ts';
import type { SourceReadings, ValueCounts } from './sources/measurement.ts';

/** CloudWatch takes 150 distinct values of a metric in one call. */
const maxDistinctValues = 100;

/** Gathers the finished requests of one window from the JSON request log. */
export class RequestWindow {
  #requests = 0;
  #promptTokens = 0;
  #cachedTokens = 0;
  #completionTokens = 0;
  #firstToken = new Map<number, number>();
  #interToken = new Map<number, number>();
  #endToEnd = new Map<number, number>();

  take(event: FinishedRequestEvent): void {
    this.#requests++;
    this.#promptTokens += event.promptTokens ?? 0;
    this.#cachedTokens += event.cachedTokens ?? 0;
    this.#completionTokens += event.completionTokens ?? 0;
    const gaps = (event.completionTokens ?? 0) - 1;
    observe(this.#endToEnd, event.endToEndSeconds, 1);
    observe(this.#firstToken, event.firstTokenSeconds, 1);
    observe(this.#interToken, event.interTokenSeconds, gaps);
  }

  get requests(): number {
    return this.#requests;
  }

  /** What the window's requests say. Latencies that no request printed are absent unless none ended at all. */
  readings(): SourceReadings {
    const latency = (tally: ReadonlyMap<number, number>): ValueCounts | undefined =>
      tally.size === 0 && this.#requests > 0 ? undefined : condense(tally);
    const timeToFirstToken = latency(this.#firstToken);
    const interTokenLatency = latency(this.#interToken);
    const endToEndLatency = latency(this.#endToEnd);
    return {
      prefillTokens: { values: [this.#promptTokens - this.#cachedTokens] },
      cachedTokens: { values: [this.#cachedTokens] },
      generationTokens: { values: [this.#completionTokens] },
      ...(timeToFirstToken && { timeToFirstToken }),
      ...(interTokenLatency && { interTokenLatency }),
      ...(endToEndLatency && { endToEndLatency }),
    };
  }
}

/** Two significant digits tell percentiles well enough and make few distinct values. */
function observe(tally: Map<number, number>, seconds: number | undefined, count: number): void {
  if (seconds === undefined) return;
  const value = Number(seconds.toPrecision(2));
  tally.set(value, (tally.get(value) ?? 0) + count);
}

/** Ascending; neighbours share a value (their weighted mean) as far as the bound on distinct values demands. */
function condense(tally: ReadonlyMap<number, number>): ValueCounts {
  let entries = [...tally].sort(([a], [b]) => a - b);
  while (entries.length > maxDistinctValues) {
    entries = entries.flatMap(([value, count], i) => {
      if (i % 2 === 1) return [];
      const [next, nextCount] = entries[i + 1] ?? [value, 0];
      const total = count + nextCount;
      return [[(value * count + next * nextCount) / total, total] as [number, number]];
    });
  }
  return { values: entries.map(([value]) => value), counts: entries.map(([, count]) => count) };
}
