import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../../shared/errors.ts';
import { exchangeText } from '../../shared/http/exchange-text.ts';
import type { Logger } from '../../shared/log.ts';
import { describeEnd, OwnedProcess, type ProcessCommand, type ProcessEnd } from '../../shared/process/owned-process.ts';
import { nextRestart } from '../../shared/process/restart-policy.ts';
import type { RunLock } from '../../shared/process/run-lock.ts';

/** `stopping` is final. */
export type ProcessState = 'starting' | 'ready' | 'down' | 'stopping';

/** One launch: how, and where it will listen. */
export interface Launch {
  readonly command: ProcessCommand;
  readonly url: string;
  /** Guards its worker API. */
  readonly controlKey: string;
}

export interface ManagedProcessOptions {
  /** Called for every launch: ports and keys are new each time. */
  readonly plan: () => Promise<Launch>;
  readonly environment: NodeJS.ProcessEnv;
  /** Receives what it prints. */
  readonly logFile: string;
  /** Lists it, so that the next run ends what a killed router left behind. */
  readonly lock: RunLock;
  readonly log: Logger;
  /** Divides every wait. */
  readonly timeScale: number;
}

interface ManagedProcessEvents {
  /** It answers. */
  ready: [launch: Launch];
  /** It does not answer any more, or has ended. */
  down: [];
}

/** From the launch to its first answer. Its launcher imports much, and reads tokenizers when it is told of any. */
const startLimitMs = 120_000;
const startPollMs = 50;
const checkIntervalMs = 5_000;
/** sglang-router was seen to need seconds for its health under thousands of workers (sgl-project/sglang#1694). */
const checkTimeoutMs = 5_000;
const checksUntilHung = 3;

/** The process of the managed router: launched, watched, and launched again whenever it ends or hangs. */
export class ManagedProcess extends EventEmitter<ManagedProcessEvents> {
  readonly #options: ManagedProcessOptions;
  readonly #stopping = new AbortController();
  readonly #onExit = () => this.#process?.kill();
  #supervision: Promise<void> = Promise.resolve();
  #process: OwnedProcess | undefined;
  #launch: Launch | undefined;
  #state: ProcessState = 'starting';
  #restarts = 0;

  constructor(options: ManagedProcessOptions) {
    super();
    this.#options = options;
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** Launches after the first one. */
  get restarts(): number {
    return this.#restarts;
  }

  start(): void {
    // Last line of defence: whatever way this process exits, what it started does not outlive it.
    process.on('exit', this.#onExit);
    this.#supervision = this.#supervise();
  }

  /** Whether it answers now. */
  async answers(): Promise<boolean> {
    return this.#launch !== undefined && (await answersAt(this.#launch.url, checkTimeoutMs / this.#options.timeScale));
  }

  /** Ends it: SIGTERM, and SIGKILL to the whole tree after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.#become('stopping');
    await this.#process?.stop(graceMs);
    await this.#supervision;
    process.off('exit', this.#onExit);
  }

  /** Launch, watch, wait out the back-off, until stopped. Never rejects. */
  async #supervise(): Promise<void> {
    const { log, timeScale } = this.#options;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; this.#restarts++) {
      const { end, healthyMs } = await this.#runOnce().catch(notLaunched);
      if (signal.aborted) return;
      const plan = nextRestart({ failuresBefore: failures, healthyMs });
      failures = plan.failures;
      const waitMs = plan.waitMs / timeScale;
      const { logFile } = this.#options;
      log.warn('sglang-router ended', { detail: describeEnd(end), failures, waitMs, logFile });
      await delay(waitMs, undefined, { signal }).catch(() => {});
    }
  }

  /** One launch up to its end, with nothing of it left behind. */
  async #runOnce(): Promise<{ end: ProcessEnd; healthyMs: number | undefined }> {
    const { environment, logFile, lock, log, timeScale } = this.#options;
    this.#become('starting');
    this.#launch = await this.#options.plan();
    const { command, url } = this.#launch;
    const launchedAt = performance.now();
    const child = new OwnedProcess(command, logFile, environment);
    this.#process = child;
    const pid = child.identity?.pid;
    if (pid !== undefined) lock.add('sglang-router', pid);
    log.info('sglang-router launched', { pid, url });
    const over = new AbortController();
    void child.ended.then(() => over.abort());
    // The order to stop may have come while ports were looked for.
    if (this.#stopping.signal.aborted) child.kill();
    let readyAt: number | undefined;
    let reason = await this.#untilAnswers(url, over.signal);
    if (reason === undefined && !over.signal.aborted) {
      readyAt = performance.now();
      log.info('sglang-router ready', { pid, url, startupSeconds: (readyAt - launchedAt) / 1_000 });
      this.#become('ready');
      reason = await this.#untilHung(url, over.signal);
    }
    // Also a hung one: what it has in flight is lost to its clients already, and a stopped process takes no SIGTERM.
    if (!this.#stopping.signal.aborted) child.kill();
    const end = await child.ended;
    const healthyMs = readyAt === undefined ? undefined : (performance.now() - readyAt) * timeScale;
    child.kill();
    this.#process = undefined;
    this.#launch = undefined;
    if (pid !== undefined) lock.remove(pid);
    this.#become('down');
    return { end: reason === undefined ? end : { ...end, reason }, healthyMs };
  }

  /** @returns why it is given up; undefined when it answers, or has ended */
  async #untilAnswers(url: string, over: AbortSignal): Promise<string | undefined> {
    const deadline = performance.now() + startLimitMs;
    while (!over.aborted && performance.now() < deadline) {
      if (await answersAt(url, checkTimeoutMs, over)) return undefined;
      await delay(startPollMs, undefined, { signal: over }).catch(() => {});
    }
    return over.aborted ? undefined : `it did not answer within ${startLimitMs / 1_000} s of its launch`;
  }

  /** @returns why it is given up; undefined when it has ended */
  async #untilHung(url: string, over: AbortSignal): Promise<string | undefined> {
    const { timeScale } = this.#options;
    for (let missed = 0; missed < checksUntilHung && !over.aborted; ) {
      await delay(checkIntervalMs / timeScale, undefined, { signal: over }).catch(() => {});
      missed = over.aborted || (await answersAt(url, checkTimeoutMs / timeScale, over)) ? 0 : missed + 1;
    }
    return over.aborted ? undefined : `it hung: ${checksUntilHung} checks of its health in a row had no answer`;
  }

  #become(state: ProcessState): void {
    if (this.#state === 'stopping' || this.#state === state) return;
    const wasReady = this.#state === 'ready';
    this.#state = state;
    if (state === 'ready') this.emit('ready', this.#launch!);
    else if (wasReady) this.emit('down');
  }
}

/** No port, no log file, no memory: may be better at the next attempt. */
function notLaunched(error: unknown): { end: ProcessEnd; healthyMs: undefined } {
  const reason = `it could not be launched: ${describeError(error)}`;
  return { end: { code: null, signal: null, reason, at: new Date().toISOString() }, healthyMs: undefined };
}

/** Whether an HTTP server answers at all: some versions call themselves unhealthy while they have no worker. */
async function answersAt(url: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await exchangeText(`${url}/health`, { timeoutMs, signal, maxBytes: 64 * 1_024, keepsConnection: false });
    return true;
  } catch (error) {
    return error instanceof RangeError;
  }
}
