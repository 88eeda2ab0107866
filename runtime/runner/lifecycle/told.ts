import { registrationBackoffSeconds, retryUntilSuccess } from '../../shared/backoff.ts';
import { describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';

export interface ToldOptions<T> {
  /** What is told, for the log, e.g. `scale-in protection`. */
  readonly what: string;
  readonly tell: (value: T, signal: AbortSignal) => Promise<void>;
  /** The value has been taken. */
  readonly onTold?: (value: T) => void;
  readonly timeScale: number;
  readonly log: Logger;
}

/** Keeps AWS told of one value: the newest one, again and again until it is taken. */
export class Told<T> {
  readonly #options: ToldOptions<T>;
  #value: T;
  #telling = new AbortController();

  /** @param value what AWS knows already */
  constructor(value: T, options: ToldOptions<T>) {
    this.#value = value;
    this.#options = options;
  }

  set(value: T): void {
    if (value === this.#value) return;
    this.#value = value;
    this.#telling.abort();
    this.#telling = new AbortController();
    void this.#tell(value, this.#telling.signal);
  }

  close(): void {
    this.#telling.abort();
  }

  async #tell(value: T, signal: AbortSignal): Promise<void> {
    const { what, tell, onTold, timeScale, log } = this.#options;
    try {
      await retryUntilSuccess(() => tell(value, signal), {
        schedule: registrationBackoffSeconds,
        signal,
        timeScale,
        onFailure: (error, attempt, waitMs) => {
          const fields = { what, value, attempt, waitMs, detail: describeError(error) };
          if (attempt === 1) log.warn('group not told yet', fields);
          else log.debug('group still not told', fields);
        },
      });
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    if (signal.aborted) return;
    log.info('group told', { what, value });
    onTold?.(value);
  }
}
