import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { EngineLoad } from '../../shared/protocol.ts';
import type { EngineClient } from '../upstream/engine-client.ts';
import { askForOneToken } from '../upstream/one-token.ts';
import { holdOutMs } from './breaker.ts';
import type { Registry } from './registry.ts';
import type { ModelCard, Worker } from './worker.ts';

export interface ProberOptions {
  readonly registry: Registry;
  readonly log: Logger;
  /** Divides every wait: engines that run faster than real time only. */
  readonly timeScale: number;
}

const firstRetryMs = 250;
const maxRetryMs = 1_000;
const generationTimeoutMs = 30_000;
const watchIntervalMs = 5_000;
const watchTimeoutMs = 5_000;
const failuresBeforeSuspect = 2;

/**
 * Lets a worker take traffic once a real generation succeeded on it, and watches those without a runner's heartbeat.
 * SGLang's own /health takes a second and a prefill; `/v1/loads` is a cheap sign of life and tells the load.
 */
export class Prober {
  readonly #options: ProberOptions;
  readonly #stop = new AbortController();
  readonly #probing = new Set<Worker>();

  constructor(options: ProberOptions) {
    this.#options = options;
    options.registry.on('needs-probe', (worker) => void this.#prove(worker));
    void this.#watch();
  }

  close(): void {
    this.#stop.abort();
  }

  async #prove(worker: Worker): Promise<void> {
    if (this.#probing.has(worker)) return;
    this.#probing.add(worker);
    try {
      await this.#sleep(holdOutMs(worker.consecutiveFailures));
      for (let waitMs = firstRetryMs; isUnproven(worker); waitMs = Math.min(waitMs * 2, maxRetryMs)) {
        try {
          worker.models = await generateOnce(worker.engine, this.#stop.signal);
          const load = await readLoad(worker.engine, this.#stop.signal).catch(() => undefined);
          if (load) worker.setLoad(load);
          // A cache that may have been lost with the engine is not promised to anyone.
          worker.prefixes.clear();
          if (isUnproven(worker)) this.#options.registry.setState(worker, 'ready', 'a generation succeeded');
        } catch (error) {
          if (this.#stop.signal.aborted) return;
          this.#options.log.debug('worker probe failed', { worker: worker.id, detail: describeError(error) });
          await this.#sleep(waitMs);
        }
      }
    } finally {
      this.#probing.delete(worker);
    }
  }

  async #watch(): Promise<void> {
    const failures = new WeakMap<Worker, number>();
    while (!this.#stop.signal.aborted) {
      await this.#sleep(watchIntervalMs);
      const watched = this.#options.registry.ready.filter((worker) => worker.runnerId === undefined);
      await Promise.all(watched.map((worker) => this.#check(worker, failures)));
    }
  }

  async #check(worker: Worker, failures: WeakMap<Worker, number>): Promise<void> {
    try {
      worker.setLoad(await readLoad(worker.engine, this.#stop.signal));
      failures.delete(worker);
    } catch (error) {
      const count = (failures.get(worker) ?? 0) + 1;
      failures.set(worker, count);
      if (count < failuresBeforeSuspect || this.#stop.signal.aborted) return;
      // Probes can be wrong; the last worker keeps its traffic until a request fails on it.
      if (this.#options.registry.ready.length <= 1) return;
      failures.delete(worker);
      this.#options.registry.setState(worker, 'suspect', `${count} checks failed: ${describeError(error)}`);
    }
  }

  /** Waits on the scaled clock; returns at once when the prober closes. */
  async #sleep(ms: number): Promise<void> {
    await delay(ms / this.#options.timeScale, undefined, { signal: this.#stop.signal, ref: false }).catch(() => {});
  }
}

function isUnproven(worker: Worker): boolean {
  return worker.state === 'starting' || worker.state === 'suspect';
}

const modelsSchema = z.looseObject({ data: z.array(z.looseObject({ id: z.string() })) });

/** Generates one token and lists the models. Throws when the engine does not really answer. */
async function generateOnce(engine: EngineClient, signal: AbortSignal): Promise<readonly ModelCard[]> {
  await askForOneToken(engine, { timeoutMs: generationTimeoutMs, signal });
  return modelsSchema.parse(await engine.call('/v1/models', { timeoutMs: watchTimeoutMs, signal })).data;
}

const loadsSchema = z.object({
  loads: z
    .array(
      z.object({
        num_running_reqs: z.number(),
        num_waiting_reqs: z.number(),
        num_used_tokens: z.number(),
        max_total_num_tokens: z.number(),
      }),
    )
    .min(1),
});

/** Load over all data-parallel ranks (SGLang 0.5.8 and later). */
async function readLoad(engine: EngineClient, signal: AbortSignal): Promise<EngineLoad> {
  const call = { timeoutMs: watchTimeoutMs, signal };
  const { loads } = loadsSchema.parse(await engine.call('/v1/loads?include=core', call));
  const sum = (pick: (rank: (typeof loads)[number]) => number) => loads.reduce((total, rank) => total + pick(rank), 0);
  return {
    runningRequests: sum((rank) => rank.num_running_reqs),
    waitingRequests: sum((rank) => rank.num_waiting_reqs),
    usedTokens: sum((rank) => rank.num_used_tokens),
    maxTotalTokens: sum((rank) => rank.max_total_num_tokens),
  };
}
