import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunnerHealth } from '../../runner/server.ts';
import { callJson } from '../../shared/call-json.ts';
import { describeEnd } from '../../shared/process/owned-process.ts';
import type { ConsoleOutput } from './console-output.ts';
import type { WorkerPlan } from './plan.ts';

const startupPollMs = 50;
/** Shorter than the first restart wait, so that an engine's last words are read before the next one speaks. */
const servingPollMs = 400;

export interface WorkerWatchOptions {
  readonly worker: WorkerPlan;
  /** Where the runner listens now. */
  readonly runnerUrl: () => string;
  readonly output: ConsoleOutput;
  /** Called when the engine ended: how often in a row without a generation in between. */
  readonly onEngineEnd: (endsInARow: number) => void;
  readonly signal: AbortSignal;
}

/** Looks at a runner and tells the user what becomes of its engine. */
export class WorkerWatch {
  /** Resolves with the runner's answer once its engine generated for the first time. Never rejects. */
  readonly ready: Promise<RunnerHealth>;
  readonly #options: WorkerWatchOptions;
  readonly #resolveReady: (health: RunnerHealth) => void;
  #seen: RunnerHealth['engine'] | undefined;
  #wasReady = false;
  #endsInARow = 0;

  constructor(options: WorkerWatchOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<RunnerHealth>();
    this.ready = promise;
    this.#resolveReady = resolve;
  }

  /** Whether the runner has answered yet. */
  get hasAnswered(): boolean {
    return this.#seen !== undefined;
  }

  /** Looks until the signal aborts; never rejects. */
  async run(): Promise<void> {
    const { signal, runnerUrl } = this.#options;
    while (!signal.aborted) {
      // A runner that does not answer has not started yet or is being restarted; its daemon says so.
      const health = await callJson(`${runnerUrl()}/health`, { signal, timeoutMs: 2_000 }).catch(() => undefined);
      if (health !== undefined && !signal.aborted) this.#observe(health as RunnerHealth);
      await delay(this.#wasReady ? servingPollMs : startupPollMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #observe(health: RunnerHealth): void {
    const { worker, output } = this.#options;
    const { state, startupSeconds, lastEnd } = health.engine;
    const before = this.#seen;
    this.#seen = health.engine;
    if (lastEnd !== null && lastEnd.at !== before?.lastEnd?.at) {
      this.#endsInARow++;
      output.step(`${worker.name}: its engine ${describeEnd(lastEnd)}; the runner starts it again`);
      output.logTail(path.join(worker.logDir, 'engine.log'));
      this.#options.onEngineEnd(this.#endsInARow);
    }
    if (state === 'ready' && (before?.state !== 'ready' || before.pid !== health.engine.pid)) {
      this.#endsInARow = 0;
      this.#wasReady = true;
      output.step(`${worker.name} generates (engine started in ${startupSeconds?.toFixed(1)} s)`);
      this.#resolveReady(health);
    }
  }
}
