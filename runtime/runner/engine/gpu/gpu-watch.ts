import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../../shared/log.ts';
import type { GpuFailure, GpuStatus } from './gpu-status.ts';
import { type GpuHistory, gpuQuery, judgeGpus, noHistory } from './judge-gpus.ts';
import { callNvidiaSmi } from './nvidia-smi.ts';

const intervalMs = 60_000;
/** After a bad reading, for the one that confirms it. */
const confirmMs = 5_000;
/** On a GPU that is lost each call may hang in the driver and stay behind. */
const intervalOfLostMs = 600_000;

export interface GpuWatchOptions {
  readonly timeScale: number;
  readonly log: Logger;
  readonly onStatus: (status: GpuStatus | null) => void;
  /** Called once, for the first fatal failure. */
  readonly onFailure: (failure: GpuFailure) => void;
}

/** Reads the GPUs of this machine every minute. A machine without `nvidia-smi` is asked no second time. */
export class GpuWatch {
  readonly #options: GpuWatchOptions;
  readonly #closing = new AbortController();
  #history: GpuHistory = noHistory;
  #failure: string | undefined;
  #isReported = false;
  #watching: Promise<void> | undefined;

  constructor(options: GpuWatchOptions) {
    this.#options = options;
  }

  /** Starts once; later calls change nothing. */
  start(): void {
    this.#watching ??= this.#watch();
  }

  /** Ends the watch; a reading that is on its way is not waited for. */
  close(): void {
    this.#closing.abort();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const answer = await callNvidiaSmi(gpuQuery);
      if (signal.aborted || answer.kind === 'absent') return;
      const { status, history } = judgeGpus(answer, this.#history, new Date().toISOString());
      this.#log(status!, this.#history);
      this.#history = history;
      this.#options.onStatus(status);
      if (status?.failure?.isFatal && !this.#isReported) {
        this.#isReported = true;
        this.#options.onFailure(status.failure);
      }
      await delay(this.#waitMs(status) / this.#options.timeScale, undefined, { signal, ref: false }).catch(
        () => undefined,
      );
    }
  }

  #waitMs(status: GpuStatus | null): number {
    if (status?.failure?.isFatal) return intervalOfLostMs;
    return this.#history.badReadings === 1 ? confirmMs : intervalMs;
  }

  /** One line for the first good reading, and one for each change. */
  #log({ gpus, driverVersion, failure }: GpuStatus, before: GpuHistory): void {
    const { log } = this.#options;
    if (before.gpuCount === 0 && gpus.length > 0 && failure === null) log.info('gpus', { driverVersion, gpus });
    if (failure?.reason === this.#failure) return;
    if (failure === null) log.info('gpus answer again', { gpus: gpus.length });
    else log.error('gpu failure', { ...failure });
    this.#failure = failure?.reason;
  }
}
