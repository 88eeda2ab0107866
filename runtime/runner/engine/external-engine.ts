import { setTimeout as delay } from 'node:timers/promises';
import { callJson, HttpStatusError } from '../../shared/call-json.ts';
import type { Logger } from '../../shared/log.ts';
import type { Engine, EngineStatus } from './engine.ts';
import type { EngineFailure } from './engine-failure.ts';
import { ObservedStatus } from './engine-status.ts';
import { waitForFirstGeneration } from './first-generation.ts';
import type { GpuFailure } from './gpu/gpu-status.ts';

const probeIntervalMs = 2_000;
/** One long forward step can swallow a probe, so a single silence says nothing (SGLang's own health route has the same). */
const probesUntilDown = 3;

/** An engine that somebody else launched: watched, never started and never stopped. */
export class ExternalEngine implements Engine {
  readonly url: string;
  readonly #timeScale: number;
  readonly #status: ObservedStatus;
  readonly #stopping = new AbortController();
  #watch: Promise<void> = Promise.resolve();

  constructor(url: string, timeScale: number, log: Logger) {
    this.url = url;
    this.#timeScale = timeScale;
    this.#status = new ObservedStatus(log);
  }

  get status(): EngineStatus {
    return this.#status.current;
  }

  onChange(listener: (status: EngineStatus) => void): void {
    this.#status.onChange(listener);
  }

  onGivenUp(listener: (failure: EngineFailure) => void): void {
    this.#status.onGivenUp(listener);
  }

  onGpuFailure(listener: (failure: GpuFailure) => void): void {
    this.#status.onGpuFailure(listener);
  }

  start(): void {
    this.#watch = this.#keepWatch().catch(() => undefined);
  }

  beginDrain(): void {
    this.#status.update({ state: 'draining' });
  }

  async stop(): Promise<void> {
    this.kill();
    await this.#watch;
  }

  kill(): void {
    this.#stopping.abort();
  }

  /** Rejects only when stopped. */
  async #keepWatch(): Promise<never> {
    const { signal } = this.#stopping;
    for (;;) {
      await waitForFirstGeneration({
        url: this.url,
        signal,
        readProgress: () => performance.now(),
        silenceLimitMs: 60_000,
      });
      this.#status.update({ state: 'ready' });
      for (let missed = 0; missed < probesUntilDown; ) {
        await delay(probeIntervalMs / this.#timeScale, undefined, { signal });
        missed = (await answers(this.url, signal)) ? 0 : missed + 1;
      }
      this.#status.update({ state: 'down' });
    }
  }
}

/** Whether an HTTP server answers at all; a cheap question that costs the engine no token. */
async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    await callJson(`${url}/v1/loads?include=core`, { signal });
    return true;
  } catch (error) {
    return error instanceof HttpStatusError && error.status < 500;
  }
}
