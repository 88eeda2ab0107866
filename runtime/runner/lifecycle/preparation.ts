import type { Logger } from '../../shared/log.ts';
import type { LifecycleFacts } from './lifecycle-facts.ts';

export interface PreparationOptions {
  /** Runs the command that prepares the machine, see runPrepareCommand; undefined: an engine does it by starting once. */
  readonly command: ((signal: AbortSignal) => Promise<string | undefined>) | undefined;
  readonly startEngine: () => void;
  readonly stopEngine: () => Promise<void>;
  readonly onPrepared: (isEngineStopped: boolean) => void;
  readonly onFailed: () => void;
  readonly log: Logger;
}

/** Puts on the machine's disk what a later start needs: once, however often it is asked to. */
export class Preparation {
  readonly #options: PreparationOptions;
  readonly #cancelling = new AbortController();
  #isUnderWay = false;

  constructor(options: PreparationOptions) {
    this.#options = options;
  }

  /** Takes the next step, if there is one to take. */
  advance({ start, isPrepared, targetState }: LifecycleFacts): void {
    const { command, startEngine } = this.#options;
    if (isPrepared || start === 'failed' || this.#isUnderWay) return;
    // An instance that stays up keeps its engine as well.
    const keepsEngine = targetState === 'Warmed:Running';
    if (command && !keepsEngine) {
      this.#isUnderWay = true;
      void this.#run(command);
      return;
    }
    startEngine();
    if (start !== 'generated') return;
    this.#isUnderWay = true;
    void this.#finish(keepsEngine);
  }

  /** The machine is to serve or to leave. */
  cancel(): void {
    this.#cancelling.abort();
  }

  async #finish(keepsEngine: boolean): Promise<void> {
    if (!keepsEngine) await this.#options.stopEngine();
    this.#options.log.info('prepared', { keepsEngine });
    this.#options.onPrepared(!keepsEngine);
  }

  async #run(command: (signal: AbortSignal) => Promise<string | undefined>): Promise<void> {
    const { onPrepared, onFailed, log } = this.#options;
    const { signal } = this.#cancelling;
    try {
      const failure = await command(signal);
      if (failure === undefined) {
        log.info('prepared');
        onPrepared(false);
      } else {
        log.error('preparation failed', { detail: failure });
        onFailed();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
