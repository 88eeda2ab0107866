import { parseLifeLine } from '../../shared/engine-log/parse-life-line.ts';
import { describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { ProcessEnd } from '../../shared/process/owned-process.ts';
import type { EngineOptions } from '../options.ts';
import type { FailureCause } from './engine-failure.ts';
import type { EngineProcess } from './engine-process.ts';
import { explainEnd, lastWordsBytes, readLastWords } from './explain-end.ts';
import { type StartupLimit, StartupLimitError, waitForFirstGeneration } from './first-generation.ts';
import { readKernelKills } from './kernel-kills.ts';
import type { RunLog } from './run-log.ts';
import { type StartupPhaseTime, StartupTimeline } from './startup-phases.ts';

/** SGLang needs 5 to 10 s to end after its last request, so an engine that is given up gets less than one that drained. */
const givenUpGraceMs = 2_000;
/** How finely the phases of a start are told apart. */
const logPollMs = 250;
/** Looks at the log between two looks at the process tree, which costs more. */
const pollsPerLook = 20;

export interface EngineRunOptions {
  readonly process: EngineProcess;
  /** Opened before the launch. */
  readonly runLog: RunLog;
  readonly url: string;
  readonly engine: EngineOptions;
  readonly timeScale: number;
  /** The owner wants no engine any more. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

/** How one launch went. */
export interface RunOutcome {
  readonly end: ProcessEnd;
  /** Why it ended, unless it was told to. */
  readonly cause: FailureCause;
  /** How long it generated, in ms of the scaled clock; undefined when it never did. */
  readonly healthyMs: number | undefined;
}

/** One launch of an engine, from its first line to the last trace of it. */
export class EngineRun {
  readonly process: EngineProcess;
  readonly #options: EngineRunOptions;
  readonly #launchedAt = performance.now();
  readonly #timeline = new StartupTimeline(this.#launchedAt);
  readonly #kernelKillsBefore = readKernelKills();

  constructor(options: EngineRunOptions) {
    this.#options = options;
    this.process = options.process;
  }

  get phases(): readonly StartupPhaseTime[] {
    return this.#timeline.times(performance.now());
  }

  /**
   * Follows it to its end; `clear` is next. Never rejects.
   * @param onReady called with its first generation, with the seconds since its launch
   */
  async follow(onReady: (startupSeconds: number) => void): Promise<RunOutcome> {
    const { process, runLog, timeScale } = this.#options;
    const { readyAt, givenUp } = await this.#start(onReady);
    const ended = await process.ended;
    const healthyMs = readyAt === undefined ? undefined : (performance.now() - readyAt) * timeScale;
    const end = givenUp === undefined ? ended : { ...ended, reason: givenUp.reason };
    const cause = explainEnd({
      end: ended,
      lastWords: readLastWords(runLog.readLastLines(lastWordsBytes)),
      wasReady: readyAt !== undefined,
      limit: givenUp?.limit,
      kernelKilled: kernelKilledSince(this.#kernelKillsBefore),
    });
    return { end, cause, healthyMs };
  }

  /** Ends what survived its end; what cannot be ended within limits is logged. */
  async clear(): Promise<void> {
    const { process, stopping, log } = this.#options;
    const left = await process.clear(stopping);
    if (left !== null) log.error('engine left something behind', { left });
  }

  /** Up to the first generation, the end of the process, or the end of its time. */
  async #start(
    onReady: (startupSeconds: number) => void,
  ): Promise<{ readyAt?: number; givenUp?: { reason: string; limit: StartupLimit | undefined } }> {
    const { process, runLog, url, engine, timeScale } = this.#options;
    const ending = new AbortController();
    void process.ended.then(() => ending.abort());
    let polls = 0;
    const following = setInterval(() => {
      this.#readLog();
      if (++polls % pollsPerLook === 0) process.look();
    }, logPollMs);
    try {
      await waitForFirstGeneration({
        url,
        signal: ending.signal,
        readProgress: () => runLog.size,
        silenceLimitMs: engine.startupSilenceMs / timeScale,
        maxMs: engine.startupMaxMs === undefined ? undefined : engine.startupMaxMs / timeScale,
      });
      const readyAt = performance.now();
      this.#readLog();
      this.#timeline.finish(readyAt);
      process.look();
      onReady(Math.round(readyAt - this.#launchedAt) / 1_000);
      return { readyAt };
    } catch (error) {
      this.#readLog();
      this.#timeline.finish(performance.now());
      if (ending.signal.aborted) return {};
      await process.stop(givenUpGraceMs);
      const limit = error instanceof StartupLimitError ? error.limit : undefined;
      return { givenUp: { reason: describeError(error), limit } };
    } finally {
      clearInterval(following);
    }
  }

  #readLog(): void {
    const now = performance.now();
    for (const line of this.#options.runLog.readNewLines()) {
      const event = parseLifeLine(line);
      if (event !== undefined) this.#timeline.observe(event, now);
    }
  }
}

function kernelKilledSince(before: number | undefined): boolean | undefined {
  const now = readKernelKills();
  return before === undefined || now === undefined ? undefined : now > before;
}
