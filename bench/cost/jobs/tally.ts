import type { CountMark, LoadResult } from '../protocol.ts';

export type Mark = (count: CountMark) => void;
export type JobOf<Job, Kind> = Extract<Job, { kind: Kind }>;

/** What became of a job's requests. */
export class Tally {
  requests = 0;
  events = 0;
  failures = 0;
  #failure: string | undefined;
  readonly latenciesMs: number[] = [];
  /** Latencies are kept only while this is set. */
  isCounting = false;

  ended(status: number, latencyMs: number): void {
    if (status !== 200) this.failed(`status ${status}`);
    this.requests++;
    if (this.isCounting) this.latenciesMs.push(latencyMs);
  }

  failed(reason: string): void {
    this.failures++;
    this.#failure ??= reason;
  }

  get count(): CountMark {
    return { requests: this.requests, events: this.events };
  }

  result(more: Partial<LoadResult> = {}): LoadResult {
    const failure = this.#failure === undefined ? {} : { failure: this.#failure };
    return { failures: this.failures, ...failure, ...more };
  }
}
