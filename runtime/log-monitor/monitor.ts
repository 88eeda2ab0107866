import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../shared/log.ts';
import { isInService } from './in-service.ts';
import { emptyMemory, LogWindow } from './log-window.ts';
import type { MonitorState } from './monitor-state.ts';
import { parseLogLine } from './parse-line.ts';
import type { Publisher } from './publisher.ts';
import { unknownPlace } from './sources/counter-deltas.ts';
import { StateFile } from './state-file.ts';
import { LogTail } from './tail.ts';
import { nothingLearned } from './utilization.ts';
import type { EngineWatch } from './watch/engine-watch.ts';
import type { RunnerWatch } from './watch/runner-watch.ts';
import { endWindow } from './window-end.ts';

export interface MonitorOptions {
  readonly logFile: string;
  /** Remembers the place in the log across restarts. @default - every start reads the log anew */
  readonly stateFile?: string | undefined;
  /** Where to begin when no place is remembered. */
  readonly from: 'start' | 'end';
  readonly intervalMs: number;
  readonly publisher: Publisher;
  /** The engine's HTTP server. @default - only the log is read */
  readonly engine?: EngineWatch | undefined;
  /** Knows whether the worker is in service. @default - the log and the engine tell */
  readonly runner?: RunnerWatch | undefined;
  /** Requests that the engine shall run at once. @default - what it says and what fits into its KV cache */
  readonly capacityRequests?: number | undefined;
  readonly log: Logger;
  /** Wall clock, ms since the epoch. @default Date.now */
  readonly now?: () => number;
}

/**
 * Tail, parse, aggregate; at the end of a window save it with the place behind it, publish it, note that it is published.
 * A crash before the save reads the window's lines again, a crash behind it publishes the very same window again: nothing
 * is lost, and what comes twice carries one number. The caller drives it: `step` does what can be done now.
 */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #now: () => number;
  readonly #tail: LogTail;
  readonly #stateFile: StateFile | undefined;
  readonly #stopping = new AbortController();
  /** The end of the last window. */
  #state: MonitorState;
  #window: LogWindow;
  /** When the next try to end or publish a window is due. */
  #dueMs: number;

  private constructor(options: MonitorOptions, tail: LogTail, stateFile: StateFile | undefined, state: MonitorState) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#tail = tail;
    this.#stateFile = stateFile;
    this.#state = state;
    this.#window = new LogWindow(state.memory);
    // What an earlier run could not publish, or may not have, goes first.
    this.#dueMs = this.#now() + (state.pending === null ? options.intervalMs : 0);
  }

  /** @throws when the state file is not ours or the log cannot be read; a log that does not exist yet is fine. */
  static async open(options: MonitorOptions): Promise<Monitor> {
    const { logFile, stateFile, log } = options;
    const opened = stateFile === undefined ? undefined : await StateFile.open(stateFile, logFile);
    const state = opened?.state ?? firstState(logFile, (options.now ?? Date.now)());
    const tail = LogTail.open({
      path: logFile,
      position: state.position,
      from: options.from,
      onNotice: (notice) => log.info('log file changed', { notice, logFile }),
    });
    log.info('monitor started', { logFile, stateFile, resumedAt: state.position?.offset });
    return new Monitor(options, tail, opened?.file, state);
  }

  /**
   * Reads the next part of the log and ends the window when its time is over.
   * @returns true when nothing is left to read for now
   */
  async step(): Promise<boolean> {
    const atEnd = await this.#read();
    if (this.#now() >= this.#dueMs) {
      this.#dueMs = this.#now() + this.#options.intervalMs;
      await this.#publishPending().then(
        () => this.#endWindow(),
        (error: unknown) => this.#warnUnpublished(error),
      );
    }
    return atEnd;
  }

  /**
   * Reads what is there, publishes the last, shorter window and lets go of the log.
   * @throws when a window could not be published; with a state file the next run does it
   */
  async close(): Promise<void> {
    try {
      while (!(await this.#read()));
      await this.#publishPending();
      await this.#closeWindow();
      await this.#publishPending();
    } finally {
      this.#stopping.abort();
      await this.#options.publisher.close();
      await this.#stateFile?.close();
      this.#tail.close();
    }
  }

  async #read(): Promise<boolean> {
    const { lines, atEnd } = this.#tail.read();
    const observedAtMs = this.#now();
    for (const line of lines) this.#window.add(parseLogLine(line), observedAtMs);
    // Reading blocks: in a long log, signals and the engine's answers have their turn between two parts of it.
    if (!atEnd) await nextTurn();
    return atEnd;
  }

  async #endWindow(): Promise<void> {
    await this.#closeWindow();
    await this.#publishPending().catch((error: unknown) => this.#warnUnpublished(error));
  }

  /** Makes the window that has gathered the pending one, and saves it with the place behind it. */
  async #closeWindow(): Promise<void> {
    const { engine, runner } = this.#options;
    const [seen] = await Promise.all([engine?.collect(), runner?.ask(this.#stopping.signal)]);
    const endedMs = this.#now();
    const logged = this.#window.close(endedMs);
    const facts = {
      runner: runner === undefined ? undefined : runner.last,
      engine: logged.memory.engine.state,
      engineAnswers: seen?.isAnswering,
    };
    const end = endWindow(this.#state, {
      endedMs,
      logged,
      seen,
      isInService: isInService(facts, endedMs),
      model: seen?.model ?? runner?.model ?? null,
      capacityRequests: this.#options.capacityRequests ?? null,
    });
    this.#state = { ...end, position: this.#tail.position };
    this.#window = new LogWindow(this.#state.memory);
    await this.#save({ durable: true });
  }

  /** Rejects when the window could not be published; it stays pending then, and the next one gathers. */
  async #publishPending(): Promise<void> {
    const { pending } = this.#state;
    if (pending === null) return;
    await this.#options.publisher.publish(pending);
    this.#state = { ...this.#state, pending: null };
    // Lost by a power failure, this note costs a window that comes twice; not worth a second wait for the disk.
    await this.#save({ durable: false });
  }

  async #save(how: { readonly durable: boolean }): Promise<void> {
    try {
      await this.#stateFile?.save(this.#state, how);
    } catch (error) {
      const { stateFile, log } = this.#options;
      log.warn('state not saved, a restart now would count again what was published since', { stateFile, error });
    }
  }

  #warnUnpublished(error: unknown): void {
    const { sequence } = this.#state;
    this.#options.log.warn('window not published, trying again', { sequence, error });
  }
}

function firstState(logFile: string, nowMs: number): MonitorState {
  return {
    version: 2,
    logFile,
    sequence: 0,
    windowEndedMs: nowMs,
    memory: emptyMemory,
    place: unknownPlace,
    learned: nothingLearned,
    pending: null,
  };
}
