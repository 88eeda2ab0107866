import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Worker } from './coordinator/worker.ts';
import type { Usage } from './relay/usage.ts';

const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250];

/** The router's Prometheus metrics. Per-worker gauges are read when they are scraped, so gone workers leave no series. */
export class RouterMetrics {
  readonly registry = new Registry();
  readonly #requests = new Counter({
    name: 'fleet_router_requests_total',
    help: 'Generation requests by outcome: ok, client-gone, engine-<status>, or the code of the router error.',
    labelNames: ['outcome'],
    registers: [this.registry],
  });
  readonly #duration = new Histogram({
    name: 'fleet_router_request_seconds',
    help: 'From the arrival of a request to the end of its answer.',
    buckets: secondsBuckets,
    registers: [this.registry],
  });
  readonly firstByte = new Histogram({
    name: 'fleet_router_first_byte_seconds',
    help: 'From the arrival of a request to the first byte of its answer.',
    buckets: secondsBuckets,
    registers: [this.registry],
  });
  readonly queueTime = new Histogram({
    name: 'fleet_router_queue_seconds',
    help: 'Wait of requests that had to wait for a slot.',
    buckets: secondsBuckets,
    registers: [this.registry],
  });
  readonly retries = new Counter({
    name: 'fleet_router_retries_total',
    help: 'Attempts that failed before the client saw anything, by reason.',
    labelNames: ['reason'],
    registers: [this.registry],
  });
  readonly continuations = new Counter({
    name: 'fleet_router_continuations_total',
    help: 'Streams that broke off, by what became of them: continued, finished (only the end was missing), impossible, failed.',
    labelNames: ['outcome'],
    registers: [this.registry],
  });
  readonly aborts = new Counter({
    name: 'fleet_router_aborts_total',
    help: 'Requests aborted on their engine because the client left.',
    registers: [this.registry],
  });
  readonly #tokens = new Counter({
    name: 'fleet_router_tokens_total',
    help: 'Tokens that engines reported, by kind: prompt, cached (part of prompt), completion.',
    labelNames: ['kind'],
    registers: [this.registry],
  });

  requestEnded(outcome: string, durationMs: number): void {
    this.#requests.inc({ outcome });
    this.#duration.observe(durationMs / 1_000);
  }

  tokensUsed(usage: Usage): void {
    this.#tokens.inc({ kind: 'prompt' }, usage.promptTokens);
    this.#tokens.inc({ kind: 'cached' }, usage.cachedTokens ?? 0);
    this.#tokens.inc({ kind: 'completion' }, usage.completionTokens ?? 0);
  }

  observeHeld(read: () => number): void {
    this.#gauge('fleet_router_held_requests', 'Requests that wait for a worker to become ready.', [], (gauge) =>
      gauge.set(read()),
    );
  }

  observeWorkers(read: () => readonly Worker[]): void {
    this.#gauge('fleet_router_workers', 'Workers by state.', ['state'], (gauge) => {
      for (const worker of read()) gauge.inc({ state: worker.state });
    });
    this.#gauge('fleet_router_in_flight_requests', 'Requests in flight by worker.', ['worker'], (gauge) => {
      for (const worker of read()) gauge.set({ worker: worker.id }, worker.inFlightRequests);
    });
    this.#gauge('fleet_router_in_flight_tokens', 'Prompt tokens in flight by worker.', ['worker'], (gauge) => {
      for (const worker of read()) gauge.set({ worker: worker.id }, worker.inFlightTokens);
    });
    this.#gauge(
      'fleet_router_prefix_index_blocks',
      'Prompt blocks that each worker is thought to hold.',
      ['worker'],
      (gauge) => {
        for (const worker of read()) gauge.set({ worker: worker.id }, worker.prefixes.size);
      },
    );
  }

  #gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    fillIn: (gauge: Gauge<Label>) => void,
  ): void {
    new Gauge<Label>({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        this.reset();
        fillIn(this);
      },
    });
  }
}
