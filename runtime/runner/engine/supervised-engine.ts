import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { findFreePort } from '../../shared/process/free-port.ts';
import { OwnedProcess, type ProcessEnd } from '../../shared/process/owned-process.ts';
import { nextRestart } from '../../shared/process/restart-policy.ts';
import type { RunLock } from '../../shared/process/run-lock.ts';
import { localHost, type RunnerOptions, urlHost } from '../options.ts';
import type { Engine, EngineStatus } from './engine.ts';
import { engineCommand, engineEnvironment } from './engine-command.ts';
import type { EngineFailure } from './engine-failure.ts';
import { ObservedStatus } from './engine-status.ts';
import { waitForFirstGeneration } from './first-generation.ts';
import type { GpuFailure } from './gpu/gpu-status.ts';

/** SGLang needs 5 to 10 s to end after its last request, so an engine that is given up gets less than one that drained. */
const givenUpGraceMs = 2_000;

/** An engine that this runner launches, waits for, and launches again whenever it ends. */
export class SupervisedEngine implements Engine {
  readonly #options: RunnerOptions;
  readonly #lock: RunLock;
  readonly #log: Logger;
  readonly #status: ObservedStatus;
  readonly #logFile: string;
  readonly #stopping = new AbortController();
  #supervision: Promise<void> = Promise.resolve();
  #process: OwnedProcess | undefined;
  #port: number;
  #wasReady = false;

  constructor(options: RunnerOptions, lock: RunLock, log: Logger) {
    this.#options = options;
    this.#lock = lock;
    this.#log = log;
    this.#status = new ObservedStatus(log);
    this.#port = options.engine.port;
    // Fails now rather than at the launch when the options contradict each other.
    engineCommand(options.engine, { host: options.listenHost, port: this.#port }, options.timeScale);
    mkdirSync(options.logDir, { recursive: true });
    this.#logFile = path.join(options.logDir, 'engine.log');
  }

  get url(): string {
    return `http://${urlHost(localHost(this.#options.listenHost))}:${this.#port}`;
  }

  get status(): EngineStatus {
    return this.#status.current;
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
    this.#supervision = this.#supervise();
  }

  beginDrain(): void {
    this.#status.update({ state: 'draining' });
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#process?.stop(graceMs);
    await this.#supervision;
  }

  kill(): void {
    this.#stopping.abort();
    this.#process?.kill();
  }

  /** Launch, wait for the end, wait out the back-off, until stopped or draining. Never rejects. */
  async #supervise(): Promise<void> {
    let failures = 0;
    for (let restarts = 0; !this.#isEnding; restarts++) {
      const { end, healthyMs } = await this.#runOnce(restarts);
      const plan = nextRestart({ failuresBefore: failures, healthyMs });
      failures = plan.failures;
      this.#status.update({ state: 'down', pid: null, lastEnd: { ...end, cause: null } });
      if (this.#isEnding) return;
      const waitMs = plan.waitMs / this.#options.timeScale;
      this.#log.warn('engine ended', { ...end, failures, waitMs });
      await delay(waitMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  get #isEnding(): boolean {
    return this.#stopping.signal.aborted || this.#status.current.state === 'draining';
  }

  /** One launch up to its end, with nothing of it left behind. */
  async #runOnce(restarts: number): Promise<{ end: ProcessEnd; healthyMs: number | undefined }> {
    const launchedAt = performance.now();
    const process = await this.#launch();
    this.#status.update({ state: 'starting', pid: process.identity?.pid ?? null, restarts });
    // The order to stop may have come while a port was looked for.
    if (this.#isEnding) process.kill();
    const ending = new AbortController();
    void process.ended.then(() => ending.abort());
    let readyAt: number | undefined;
    let givenUp: string | undefined;
    try {
      await waitForFirstGeneration({
        url: this.url,
        signal: ending.signal,
        readProgress: () => statSync(this.#logFile).size,
        silenceLimitMs: this.#options.engine.startupSilenceMs / this.#options.timeScale,
      });
      readyAt = performance.now();
      this.#wasReady = true;
      this.#status.update({ state: 'ready', startupSeconds: (readyAt - launchedAt) / 1_000 });
    } catch (error) {
      if (!ending.signal.aborted) {
        givenUp = describeError(error);
        await process.stop(givenUpGraceMs);
      }
    }
    const end = await process.ended;
    const healthyMs = readyAt === undefined ? undefined : (performance.now() - readyAt) * this.#options.timeScale;
    process.kill();
    if (process.identity) this.#lock.remove(process.identity.pid);
    this.#process = undefined;
    return { end: givenUp === undefined ? end : { ...end, reason: givenUp }, healthyMs };
  }

  async #launch(): Promise<OwnedProcess> {
    const { engine, listenHost, timeScale } = this.#options;
    // Routers know the port once the engine was ready; until then another free one may replace one that was taken.
    if (engine.port === 0 && !this.#wasReady) this.#port = await findFreePort(listenHost);
    const command = engineCommand(engine, { host: listenHost, port: this.#port }, timeScale);
    const launched = new OwnedProcess(command, this.#logFile, engineEnvironment(process.env));
    this.#process = launched;
    if (launched.identity) this.#lock.add('engine', launched.identity.pid);
    this.#log.info('engine launched', { pid: launched.identity?.pid, port: this.#port, kind: engine.kind });
    return launched;
  }
}
