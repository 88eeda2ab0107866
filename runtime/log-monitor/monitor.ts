import type { Logger } from '../shared/log.ts';
import { type Carry, WindowAggregator } from './aggregate.ts';
import { parseLogLine } from './parse-line.ts';
import type { Publisher } from './publisher.ts';
import { loadState, saveState } from './state-file.ts';
import { LogTail } from './tail.ts';

export interface MonitorOptions {
  readonly logFile: string;
  /** Remembers the place in the log across restarts. @default - every start reads the log anew */
  readonly stateFile?: string | undefined;
  /** Where to begin when no place is remembered. */
  readonly from: 'start' | 'end';
  readonly intervalMs: number;
  readonly publisher: Publisher;
  readonly log: Logger;
  /** Wall clock, ms since the epoch. @default Date.now */
  readonly now?: () => number;
}

/**
 * Tail, parse, aggregate, publish, remember: in this order, so that a crash at any point repeats a window (under its
 * old number) and never loses one. The caller drives it: `step` does what can be done now.
 */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #now: () => number;
  readonly #tail: LogTail;
  #sequence: number;
  #window: WindowAggregator;
  #windowStartedMs: number;

  private constructor(options: MonitorOptions, tail: LogTail, sequence: number, carry: Carry) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#tail = tail;
    this.#sequence = sequence;
    this.#window = new WindowAggregator(carry);
    this.#windowStartedMs = this.#now();
  }

  /** @throws when the state file is not ours or the log cannot be read; a log that does not exist yet is fine. */
  static async open(options: MonitorOptions): Promise<Monitor> {
    const { logFile, stateFile, log } = options;
    const state = stateFile === undefined ? undefined : await loadState(stateFile, logFile);
    const tail = await LogTail.open({
      path: logFile,
      position: state?.position,
      from: options.from,
      onNotice: (notice) => log.info('log file changed', { notice, logFile }),
    });
    log.info('monitor started', { logFile, stateFile, resumedAt: state?.position?.offset });
    return new Monitor(options, tail, state?.sequence ?? 0, state?.carry ?? {});
  }

  /**
   * Reads the next part of the log and publishes the window when its time is over.
   * @returns true when nothing is left to read for now
   */
  async step(): Promise<boolean> {
    const { lines, atEnd } = await this.#tail.read();
    const observedAtMs = this.#now();
    for (const line of lines) this.#window.add(parseLogLine(line), observedAtMs);
    if (observedAtMs - this.#windowStartedMs >= this.#options.intervalMs) await this.#publishWindow();
    return atEnd;
  }

  /** Reads what is there, publishes the last, shorter window and lets go of the log. */
  async close(): Promise<void> {
    try {
      while (!(await this.step()));
      await this.#publishWindow();
    } finally {
      await this.#tail.close();
    }
  }

  async #publishWindow(): Promise<void> {
    const { publisher, logFile, stateFile, log } = this.#options;
    const endedMs = this.#now();
    const sequence = this.#sequence + 1;
    const carry = this.#window.carry;
    await publisher.publish({
      sequence,
      from: new Date(this.#windowStartedMs).toISOString(),
      to: new Date(endedMs).toISOString(),
      ...this.#window.close(),
    });
    if (stateFile !== undefined) {
      try {
        await saveState(stateFile, { version: 1, logFile, sequence, position: this.#tail.position, carry });
      } catch (error) {
        // A full disk must not end the metrics; the next window tries again.
        log.warn('state not saved, a restart now would repeat windows', { stateFile, error });
      }
    }
    this.#sequence = sequence;
    this.#window = new WindowAggregator(carry);
    this.#windowStartedMs = endedMs;
  }
}
