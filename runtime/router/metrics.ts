import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Worker } from './coordinator/worker.ts';
import { Traffic } from './scaling/traffic.ts';

const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250];

/** What is known of a request that has ended. */
export interface EndedRequest {
  /** Of the worker that answered, undefined when none did: a client's own words are no label. */
  readonly model: string | undefined;
  /** Place of the worker group that was to answer. */
  readonly group: number;
}

/** The router's Prometheus metrics, and in `traffic` what CloudWatch is told of the same requests. */
export class RouterMetrics {
  readonly registry = new Registry();
  readonly #traffics: readonly Traffic[];
  readonly #requests = new Counter({
    name: 'fleet_router_requests_total',
    help: 'Generation requests by model and outcome: ok, client-gone, engine-<status>, or the code of the router error.',
    labelNames: ['model', 'outcome'],
    registers: [this.registry],
  });
  readonly #duration = new Histogram({
    name: 'fleet_router_request_seconds',
    help: 'From the arrival of a request to the end of its answer, by model.',
    labelNames: ['model'],
    buckets: secondsBuckets,
    registers: [this.registry],
  });
  readonly #firstByte = new Histogram({
    name: 'fleet_router_first_byte_seconds',
    help: 'From the arrival of a request to the first byte of its answer, by model.',
    labelNames: ['model'],
    buckets: secondsBuckets,
    registers: [this.registry],
  });
  readonly #predictionError = new Histogram({
    name: 'fleet_router_prediction_error_seconds',
    help: 'Observed first-token time of a stream minus the predicted one, in engine time; below 0 it came sooner.',
    buckets: [-30, -10, -3, -1, -0.3, -0.1, 0, 0.1, 0.3, 1, 3, 10, 30],
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
  readonly #groupRaises = new Counter({
    name: 'fleet_router_group_raises_total',
    help: 'Times that a worker group was to be raised from zero, by what became of it: raised, failed.',
    labelNames: ['outcome'],
    registers: [this.registry],
  });

  /** @param groupCount worker groups, by whose place requests are told apart */
  constructor(groupCount = 1) {
    this.#traffics = Array.from({ length: groupCount }, () => new Traffic());
    const total = (name: string, help: string, read: (traffic: Traffic) => number) =>
      this.#count(name, help, [], (add) =>
        add(
          {},
          this.#traffics.reduce((sum, traffic) => sum + read(traffic), 0),
        ),
      );
    total(
      'fleet_router_routed_prompt_tokens_total',
      'Estimated prompt tokens of requests that were given to a worker.',
      (traffic) => traffic.promptTokens,
    );
    total(
      'fleet_router_regret_tokens_total',
      'Those of them that another worker had cached and the chosen one had not; the share is the hit-rate regret.',
      (traffic) => traffic.regretTokens,
    );
  }

  /** What CloudWatch is told of requests that the group at this place is to answer. */
  traffic(group: number): Traffic {
    return this.#traffics[group]!;
  }

  requestEnded({ model, group }: EndedRequest, outcome: string, durationMs: number): void {
    this.#requests.inc({ model: model ?? '', outcome });
    this.#duration.observe({ model: model ?? '' }, durationMs / 1_000);
    this.traffic(group).ended(outcome);
  }

  firstByteAfter(model: string | undefined, elapsedMs: number): void {
    this.#firstByte.observe({ model: model ?? '' }, elapsedMs / 1_000);
  }

  /** Both in ms of engine time. */
  firstTokenPredicted(predictedMs: number, observedMs: number): void {
    this.#predictionError.observe((observedMs - predictedMs) / 1_000);
  }

  groupRaised(group: number, outcome: 'raised' | 'failed'): void {
    this.#groupRaises.inc({ outcome });
    if (outcome === 'raised') this.traffic(group).raised();
  }

  observeHeld(read: () => number): void {
    this.#gauge('fleet_router_held_requests', 'Requests that wait for a worker to become ready.', [], (gauge) =>
      gauge.set(read()),
    );
  }

  /** Workers keep their own counts; they are read when they are scraped, so a worker that is gone leaves no series. */
  observeWorkers(read: () => readonly Worker[]): void {
    const perWorker = (name: string, help: string, value: (worker: Worker) => number) =>
      this.#gauge(name, help, ['worker'], (gauge) => {
        for (const worker of read()) gauge.set({ worker: worker.id }, value(worker));
      });
    this.#gauge('fleet_router_workers', 'Workers by state; suspect is an open circuit breaker.', ['state'], (gauge) => {
      for (const worker of read()) gauge.inc({ state: worker.state });
    });
    this.#gauge(
      'fleet_router_worker_state',
      'The state that a worker is in has the value 1.',
      ['worker', 'state'],
      (gauge) => {
        for (const worker of read()) gauge.set({ worker: worker.id, state: worker.state }, 1);
      },
    );
    perWorker('fleet_router_in_flight_requests', 'Requests in flight.', (worker) => worker.inFlightRequests);
    perWorker('fleet_router_in_flight_tokens', 'Prompt tokens in flight.', (worker) => worker.inFlightTokens);
    perWorker(
      'fleet_router_prefill_backlog_seconds',
      'Prefill work ahead of a new request, in engine time.',
      (worker) => worker.prefill.backlogMs / 1_000,
    );
    perWorker(
      'fleet_router_prefill_tokens_per_second',
      'Learned prefill rate, in engine time; 0 before the first observation.',
      (worker) => worker.prefill.observedTokensPerSecond ?? 0,
    );
    perWorker(
      'fleet_router_prefix_index_blocks',
      'Prompt blocks that the worker is thought to hold.',
      (worker) => worker.prefixes.size,
    );
    this.#count(
      'fleet_router_worker_requests_total',
      'Attempts by worker and outcome.',
      ['worker', 'outcome'],
      (add) => {
        for (const worker of read()) {
          add({ worker: worker.id, outcome: 'completed' }, worker.completedRequests);
          add({ worker: worker.id, outcome: 'failed' }, worker.failedRequests);
        }
      },
    );
    this.#count(
      'fleet_router_worker_tokens_total',
      'Tokens that the engine reported; cached ones are part of the prompt.',
      ['worker', 'kind'],
      (add) => {
        for (const worker of read()) {
          add({ worker: worker.id, kind: 'prompt' }, worker.promptTokens);
          add({ worker: worker.id, kind: 'cached' }, worker.cachedTokens);
          add({ worker: worker.id, kind: 'completion' }, worker.completionTokens);
        }
      },
    );
  }

  #count<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    fillIn: (add: (labels: Record<Label, string>, value: number) => void) => void,
  ): void {
    new Counter<Label>({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        this.reset();
        fillIn((labels, value) => this.inc(labels, value));
      },
    });
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
