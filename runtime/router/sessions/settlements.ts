import { setTimeout as delay } from 'node:timers/promises';
import { CodedError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';

const retryMs = 500;

/**
 * What is to be written once the store is back. Without it a session would stay taken for as long as this router lives,
 * by a turn or a start that came to nothing.
 */
export class Settlements {
  readonly #log: Logger;
  readonly #closing = new AbortController();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Repeats `settle` until it succeeds or everything is closed; never rejects. */
  async untilDone(settle: () => Promise<void>): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await delay(retryMs, undefined, { signal, ref: false }).catch(() => {});
      try {
        await settle();
        return;
      } catch (error) {
        if (!(error instanceof CodedError)) this.#log.error('not settled', { error });
      }
    }
  }

  /** Gives up what still waits. */
  close(): void {
    this.#closing.abort();
  }
}
