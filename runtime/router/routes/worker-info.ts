import type { Worker } from '../coordinator/worker.ts';

/** A worker as sglang-router 0.3 shows it in `GET /workers`, with `state` and `sources` of our own behind. */
export interface WorkerInfo {
  readonly id: string;
  readonly url: string;
  readonly model_id: string;
  readonly priority: number;
  readonly cost: number;
  readonly worker_type: 'regular';
  readonly is_healthy: boolean;
  /** Requests in flight. */
  readonly load: number;
  readonly connection_mode: 'http';
  readonly runtime_type: 'sglang';
  readonly metadata: Readonly<Record<string, string>>;
  readonly state: string;
  readonly sources: readonly string[];
}

export function workerInfo(worker: Worker): WorkerInfo {
  return {
    id: worker.id,
    url: worker.url,
    model_id: worker.models[0]?.id ?? 'unknown',
    // Its defaults: this router knows neither, every engine is as good as its measured speed.
    priority: 50,
    cost: 1,
    worker_type: 'regular',
    is_healthy: worker.state === 'ready',
    load: worker.inFlightRequests,
    connection_mode: 'http',
    runtime_type: 'sglang',
    metadata: {},
    state: worker.state,
    sources: [...worker.sources],
  };
}

export function workerList(workers: readonly Worker[]) {
  return {
    workers: workers.map(workerInfo),
    total: workers.length,
    stats: { prefill_count: 0, decode_count: 0, regular_count: workers.length },
  };
}
