import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../shared/log.ts';
import { describeEnd } from '../../shared/process/owned-process.ts';
import { killTree } from '../../shared/process/process-tree.ts';
import type { RunLock } from '../../shared/process/run-lock.ts';
import { localHost, type RunnerOptions, urlHost } from '../options.ts';
import type { Engine, EngineStatus } from './engine.ts';
import { engineCommand } from './engine-command.ts';
import type { EngineEnd, EngineFailure, FailureCause } from './engine-failure.ts';
import { type LeftoverEngine, recordEngine } from './engine-record.ts';
import { EngineRun } from './engine-run.ts';
import { ObservedStatus } from './engine-status.ts';
import type { GpuFailure } from './gpu/gpu-status.ts';
import { GpuWatch } from './gpu/gpu-watch.ts';
import { adoptEngine, launchEngine, makeRoom } from './launch-engine.ts';
import { afterEnd, noRestarts } from './restart-decision.ts';
import { RunLog } from './run-log.ts';

/** An engine that this runner launches, waits for, and launches again whenever it ends. */
export class SupervisedEngine implements Engine {
  readonly #options: RunnerOptions;
  readonly #lock: RunLock;
  readonly #log: Logger;
  readonly #status: ObservedStatus;
  readonly #gpuWatch: GpuWatch | undefined;
  readonly #logFile: string;
  readonly #stopping = new AbortController();
  #supervision: Promise<void> = Promise.resolve();
  #run: EngineRun | undefined;
  #port: number;
  #wasReady = false;
  /** Taken over instead of the next launch. */
  #leftover: LeftoverEngine | undefined;

  /**
   * @param leftover an engine of an earlier run, on the lock's list
   * @throws coded errors when the options contradict each other
   */
  constructor(options: RunnerOptions, lock: RunLock, log: Logger, leftover?: LeftoverEngine) {
    this.#options = options;
    this.#lock = lock;
    this.#log = log;
    this.#status = new ObservedStatus(log);
    this.#leftover = leftover;
    this.#port = leftover?.port ?? options.engine.port;
    // Fails now rather than at the launch.
    engineCommand(options.engine, { host: options.listenHost, port: this.#port }, options.timeScale, process.env);
    mkdirSync(options.logDir, { recursive: true });
    this.#logFile = path.join(options.logDir, 'engine.log');
    if (options.engine.kind !== 'simulator') this.#gpuWatch = this.#createGpuWatch();
  }

  get url(): string {
    return `http://${urlHost(localHost(this.#options.listenHost))}:${this.#port}`;
  }

  get status(): EngineStatus {
    const { current } = this.#status;
    return this.#run === undefined ? current : { ...current, phases: this.#run.phases };
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
    this.#gpuWatch?.start();
    this.#supervision = this.#supervise();
  }

  beginDrain(): void {
    this.#status.update({ state: 'draining' });
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.#gpuWatch?.close();
    await this.#run?.process.stop(graceMs);
    await this.#supervision;
    this.#killLeftover();
  }

  kill(): void {
    this.#stopping.abort();
    this.#gpuWatch?.close();
    this.#run?.process.kill();
    this.#killLeftover();
  }

  /** One that nobody has taken over yet has no other owner either. */
  #killLeftover(): void {
    if (this.#leftover) killTree(this.#leftover.identity);
  }

  /**
   * Launch, wait for the end, wait out the back-off, until stopped or draining. A leftover is taken over also for a drain,
   * of which it may be the subject. Never rejects.
   */
  async #supervise(): Promise<void> {
    const { engine, timeScale } = this.#options;
    let state = noRestarts;
    for (let restarts = 0; this.#leftover || !this.#isEnding; restarts++) {
      const outcome = await this.#runOnce(restarts, state.isGivenUp);
      if (outcome === undefined) return;
      if (this.#isEnding) return;
      const { end, cause, healthyMs } = outcome;
      const decision = afterEnd(state, healthyMs, cause, engine.giveUpAfter);
      state = decision.state;
      const waitMs = decision.waitMs / timeScale;
      this.#log.warn('engine ended', { ...end, failures: state.failures, waitMs });
      if (decision.givesUp) this.#giveUp(end, cause, state.failedStarts);
      await delay(waitMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  get #isEnding(): boolean {
    return this.#stopping.signal.aborted || this.#status.current.state === 'draining';
  }

  /** One launch up to its end, with nothing of it left behind. Undefined when the order to end came before it. */
  async #runOnce(restarts: number, isGivenUp: boolean) {
    // Routers know the port once the engine was ready; until then another free one may replace one that was taken.
    const mayChoosePort = !this.#wasReady;
    if (!this.#leftover) {
      this.#port = await makeRoom(this.#options, this.#port, mayChoosePort, this.#stopping.signal);
      if (this.#isEnding) return undefined;
    }
    using runLog = new RunLog(this.#logFile);
    const run = this.#launch(runLog);
    const pid = run.process.identity?.pid;
    // While it is given up its retries are nobody's hope: the state stays `down` until one of them generates.
    this.#status.update({ ...(!isGivenUp && { state: 'starting' }), pid: pid ?? null, restarts });
    const { cause, healthyMs, ...outcome } = await run.follow((seconds) => this.#becomeReady(run, seconds));
    const end: EngineEnd = { ...outcome.end, cause: this.#stopping.signal.aborted ? null : cause };
    // Before the clearing, which may take a while: routers should know at once.
    this.#status.update({ state: 'down', pid: null, lastEnd: end, phases: run.phases });
    await run.clear();
    if (pid !== undefined) this.#lock.remove(pid);
    this.#run = undefined;
    return { end, cause, healthyMs };
  }

  #launch(runLog: RunLog): EngineRun {
    const { engine, timeScale } = this.#options;
    const leftover = this.#leftover;
    this.#leftover = undefined;
    const process = leftover
      ? adoptEngine(this.#options, leftover)
      : launchEngine(this.#options, this.#port, this.#logFile);
    const stopping = this.#stopping.signal;
    const run = new EngineRun({ process, runLog, url: this.url, engine, timeScale, stopping, log: this.#log });
    this.#run = run;
    const { identity } = process;
    const fields = { pid: identity?.pid, port: this.#port, kind: engine.kind };
    if (leftover) this.#log.info('engine of an earlier run taken over', fields);
    else if (identity) {
      this.#lock.add('engine', identity.pid);
      recordEngine(this.#options, { identity, port: this.#port });
    }
    if (!leftover) this.#log.info('engine launched', fields);
    return run;
  }

  #becomeReady({ phases }: EngineRun, startupSeconds: number): void {
    this.#wasReady = true;
    const seconds = Object.fromEntries(phases.map((phase) => [phase.name, phase.seconds]));
    this.#log.info('engine ready', { startupSeconds, phases: seconds });
    this.#status.update({ state: 'ready', startupSeconds, phases, givenUp: null });
  }

  #giveUp(end: EngineEnd, cause: FailureCause, failedStarts: number): void {
    const often = failedStarts === 1 ? 'did not start' : `did not start ${failedStarts} times in a row`;
    const why = `${cause.name}${cause.isSuspected ? ', as it seems' : ''}`;
    const message = `The engine ${often}; the last launch ${describeEnd(end)} (${why}). ${cause.advice}`;
    this.#log.error('engine given up', { message, failedStarts, cause: cause.name });
    this.#status.giveUp({ message, failedStarts, cause, end });
  }

  #createGpuWatch(): GpuWatch {
    return new GpuWatch({
      timeScale: this.#options.timeScale,
      log: this.#log,
      onStatus: (gpus) => this.#status.update({ gpus }),
      onFailure: (failure) => this.#status.reportGpuFailure(failure),
    });
  }
}
