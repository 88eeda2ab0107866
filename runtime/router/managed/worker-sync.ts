import { backoffMs } from '../../shared/backoff.ts';
import { describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { Wakeup } from '../../shared/wakeup.ts';
import type { WorkerApi } from './worker-api.ts';
import { type Addition, engineUrlOf, type ListedWorker, type WantedWorker, workerChanges } from './worker-changes.ts';

export interface WorkerSyncOptions {
  readonly api: Pick<WorkerApi, 'list' | 'add' | 'additionState' | 'remove'>;
  /** The workers that the managed router is to have now. */
  readonly wanted: () => readonly WantedWorker[];
  /** Told what it has, after every look. */
  readonly onListed: (listed: readonly ListedWorker[]) => void;
  readonly log: Logger;
  /** Divides every wait. */
  readonly timeScale: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Between two looks when nothing is to be done. */
const restMs = 5_000;
/** Between two looks while something is under way: the first, and the longest. */
const firstPollMs = 50;
const maxPollMs = 1_000;
const retryBackoffSeconds: readonly number[] = [1, 2, 4, 8, 16];

/**
 * Keeps the workers of one run of the managed router equal to the wanted ones: looks at its list after every `wake`, and
 * every few seconds whatever happens. Its memory ends with the run, since the next one begins with an empty list.
 */
export class WorkerSync {
  readonly #options: WorkerSyncOptions;
  readonly #additions = new Map<string, Addition>();
  /** By engine URL: sglang-router gives an engine the same id each time, and under `--dp-aware` removes by no other. */
  readonly #ids = new Map<string, string>();
  readonly #wakeup = new Wakeup();
  #failures = 0;

  constructor(options: WorkerSyncOptions) {
    this.#options = options;
  }

  /** Something changed: look now. */
  wake(): void {
    this.#wakeup.wake();
  }

  /** Resolves when the signal aborted; never rejects. */
  async run(): Promise<void> {
    const { signal, timeScale } = this.#options;
    let pollMs = firstPollMs;
    while (!signal.aborted) {
      const isSettled = await this.#look();
      const waitMs = isSettled ? restMs : pollMs;
      pollMs = isSettled ? firstPollMs : Math.min(2 * pollMs, maxPollMs);
      await this.#wakeup.wait(waitMs / timeScale, signal);
    }
  }

  /** @returns whether nothing is left to be done */
  async #look(): Promise<boolean> {
    const { api, wanted, onListed, log, signal } = this.#options;
    try {
      const listed = await api.list();
      if (signal.aborted) return true;
      onListed(listed);
      const goal = wanted();
      this.#forget(goal, listed);
      const { add, lookAt, remove } = workerChanges(goal, listed, this.#additions, performance.now());
      await Promise.all([
        ...add.map((worker) => this.#add(worker)),
        ...lookAt.map((url) => this.#lookAt(url)),
        ...remove.map((url) => this.#remove(url, listed)),
      ]);
      this.#failures = 0;
      return add.length + lookAt.length + remove.length === 0 && !this.#hasUnfinished;
    } catch (error) {
      this.#failures++;
      const detail = describeError(error);
      if (this.#failures === 1 && !signal.aborted) log.warn('sglang-router could not be kept in step', { detail });
      return false;
    }
  }

  async #add(worker: WantedWorker): Promise<void> {
    const { url, modelId } = worker;
    const attempts = (this.#additions.get(url)?.attempts ?? 0) + 1;
    try {
      this.#ids.set(url, await this.#options.api.add(worker));
      this.#additions.set(url, { modelId, attempts, retryAtMs: undefined, phase: 'asked' });
      this.#options.log.info('worker given to sglang-router', { url, modelId, attempts });
    } catch (error) {
      this.#additions.set(url, { modelId, attempts, retryAtMs: undefined, phase: 'asked' });
      this.#failed(url, describeError(error));
    }
  }

  async #lookAt(url: string): Promise<void> {
    const state = await this.#options.api.additionState(this.#ids.get(url)!);
    if (state.kind === 'failed') this.#failed(url, state.detail);
  }

  async #remove(url: string, listed: readonly ListedWorker[]): Promise<void> {
    const id = this.#ids.get(url) ?? listed.find((worker) => engineUrlOf(worker.url) === url)!.id;
    await this.#options.api.remove(id);
    const addition = this.#additions.get(url);
    if (addition) this.#additions.set(url, { ...addition, phase: 'leaving' });
    this.#options.log.info('worker taken from sglang-router', { url });
  }

  #failed(url: string, detail: string): void {
    const addition = this.#additions.get(url)!;
    const waitMs = backoffMs(retryBackoffSeconds, addition.attempts) / this.#options.timeScale;
    this.#additions.set(url, { ...addition, retryAtMs: performance.now() + waitMs });
    this.#options.log.warn('sglang-router did not take a worker', { url, detail, attempts: addition.attempts, waitMs });
  }

  /** Whether a worker waits to be tried again, or leaves. */
  get #hasUnfinished(): boolean {
    return [...this.#additions.values()].some(({ retryAtMs, phase }) => retryAtMs !== undefined || phase === 'leaving');
  }

  /** What is neither wanted nor listed has no more to be remembered; a listed one has succeeded. */
  #forget(wanted: readonly WantedWorker[], listed: readonly ListedWorker[]): void {
    const wantedUrls = new Set(wanted.map(({ url }) => url));
    const listedUrls = new Set(listed.map(({ url }) => engineUrlOf(url)));
    for (const [url, addition] of this.#additions) {
      if (listedUrls.has(url)) {
        const phase = addition.phase === 'leaving' ? 'leaving' : 'listed';
        this.#additions.set(url, { ...addition, phase, attempts: 0, retryAtMs: undefined });
      } else if (!wantedUrls.has(url)) this.#additions.delete(url);
    }
  }
}
