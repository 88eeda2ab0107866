import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../shared/log.ts';
import { findFreePorts } from '../../shared/process/free-port.ts';
import type { RunLock } from '../../shared/process/run-lock.ts';
import type { RouterConfig } from '../config.ts';
import type { Registry } from '../coordinator/registry.ts';
import { EngineClient } from '../upstream/engine-client.ts';
import { claimStateFolder } from './claim-state-folder.ts';
import type { EngineView } from './engine-view.ts';
import { launchCommand, launchEnvironment, loopback } from './launch-command.ts';
import { type Launch, ManagedProcess, type ProcessState } from './managed-process.ts';
import type { ManagedOptions } from './options.ts';
import { readProgramVersion } from './program-version.ts';
import { WorkerApi } from './worker-api.ts';
import { engineUrlOf, type ListedWorker } from './worker-changes.ts';
import { WorkerSync } from './worker-sync.ts';

interface ManagedRouterEvents {
  /** It takes requests now. */
  ready: [];
}

/** What exists as long as one run of the process answers. */
interface Run {
  readonly client: EngineClient;
  readonly sync: WorkerSync;
  readonly ended: AbortController;
}

/** Idle by now, so it has nothing to wait for; less than what the process has behind its own drain. */
const stopGraceMs = 3_000;
/** Between two looks at one that refused a connection. */
const doubtMs = 100;

/**
 * The upstream router as a process of this one: launched and supervised, with the workers of the registry, and reached
 * over the loopback interface.
 */
export class ManagedRouter extends EventEmitter<ManagedRouterEvents> {
  /** Whether it was started for several models; without it requests go to any worker, whatever model they name. */
  readonly knowsModels: boolean;
  readonly #version: string;
  readonly #registry: Registry;
  readonly #config: RouterConfig;
  readonly #lock: RunLock;
  readonly #log: Logger;
  readonly #process: ManagedProcess;
  readonly #hidesClientKeys: boolean;
  readonly #onChanged = () => this.#run?.sync.wake();
  #run: Run | undefined;
  /** Healthy ones on its list. */
  #workers = 0;
  /** Whether one of them is a ready one of the registry. */
  #isServing = false;
  #isDoubted = false;

  /**
   * Finds the program and takes the state folder; nothing is launched before `start`.
   * @param hidesClientKeys whether clients' credentials are those of the fleet
   * @throws Error with what is wrong and what to do about it
   */
  static async open(
    options: ManagedOptions,
    config: RouterConfig,
    registry: Registry,
    hidesClientKeys: boolean,
    log: Logger,
  ): Promise<ManagedRouter> {
    const version = await readProgramVersion(options);
    const folder = config.dataDir ?? path.join('.fleet', 'router');
    const lock = await claimStateFolder(folder, log);
    return new ManagedRouter(options, { config, registry, hidesClientKeys, log, version, folder, lock });
  }

  private constructor(
    options: ManagedOptions,
    parts: {
      readonly config: RouterConfig;
      readonly registry: Registry;
      readonly hidesClientKeys: boolean;
      readonly log: Logger;
      readonly version: string;
      readonly folder: string;
      readonly lock: RunLock;
    },
  ) {
    super();
    const { config, registry, log, lock, folder } = parts;
    this.#config = config;
    this.#registry = registry;
    this.#log = log;
    this.#lock = lock;
    this.#version = parts.version;
    this.#hidesClientKeys = parts.hidesClientKeys;
    this.knowsModels = options.extraArguments.includes('--enable-igw');
    this.#process = new ManagedProcess({
      plan: () => plan(options, config),
      environment: launchEnvironment(process.env),
      logFile: path.join(folder, 'sglang-router.log'),
      lock,
      log,
      timeScale: config.timeScale,
    });
    this.#process.on('ready', (launch) => this.#begin(launch));
    this.#process.on('down', () => this.#end());
    registry.on('changed', this.#onChanged);
  }

  start(): void {
    this.#process.start();
  }

  get state(): ProcessState {
    return this.#process.state;
  }

  get view(): EngineView {
    const { state, restarts } = this.#process;
    return { name: 'sglang-router', version: this.#version, state, restarts, workers: this.#workers };
  }

  /** The way to it; undefined while it is down or has no worker. */
  get upstream(): EngineClient | undefined {
    return this.#isServing && !this.#isDoubted ? this.#run?.client : undefined;
  }

  /** It refused a connection: nothing is sent to it until it answers again, or is down. */
  doubt(): void {
    if (this.#isDoubted || this.#run === undefined) return;
    this.#isDoubted = true;
    void this.#resolveDoubt(this.#run);
  }

  /** Ends it. Requests in flight are cut. */
  async close(): Promise<void> {
    this.#registry.off('changed', this.#onChanged);
    await this.#process.stop(stopGraceMs);
    this.#lock.release();
  }

  #begin({ url, controlKey }: Launch): void {
    const ended = new AbortController();
    const { engineApiKey, timeScale } = this.#config;
    // Engines get their key from sglang-router; with it the client's own must not arrive there either.
    const hidesClientKeys = this.#hidesClientKeys || engineApiKey !== undefined;
    const sync = new WorkerSync({
      api: new WorkerApi(url, controlKey, engineApiKey, ended.signal),
      wanted: () => this.#registry.ready.map((worker) => ({ url: worker.url, modelId: worker.model })),
      onListed: (listed) => this.#heard(listed),
      log: this.#log,
      timeScale,
      signal: ended.signal,
    });
    this.#run = { client: new EngineClient(url, { tls: undefined, apiKey: undefined, hidesClientKeys }), sync, ended };
    void sync.run();
  }

  #end(): void {
    this.#run?.ended.abort();
    this.#run?.client.pool.close();
    this.#run = undefined;
    this.#workers = 0;
    this.#isServing = false;
    this.#isDoubted = false;
  }

  #heard(listed: readonly ListedWorker[]): void {
    const healthy = new Set(listed.filter(({ isHealthy }) => isHealthy).map(({ url }) => engineUrlOf(url)));
    const wasServing = this.#isServing;
    this.#workers = healthy.size;
    this.#isServing = this.#registry.ready.some(({ url }) => healthy.has(url));
    if (!wasServing && this.upstream !== undefined) this.emit('ready');
  }

  async #resolveDoubt(run: Run): Promise<void> {
    while (this.#run === run && !(await this.#process.answers())) await delay(doubtMs, undefined, { ref: false });
    if (this.#run !== run) return;
    this.#isDoubted = false;
    if (this.upstream !== undefined) this.emit('ready');
  }
}

/** A launch on new ports with a new key. */
async function plan(options: ManagedOptions, { maxBodyBytes, engineCa }: RouterConfig): Promise<Launch> {
  const [port, metricsPort] = (await findFreePorts(2, loopback)) as [number, number];
  const controlKey = randomBytes(32).toString('base64url');
  const command = launchCommand(options, { port, metricsPort, controlKey, maxBodyBytes, engineCa });
  return { command, url: `http://${loopback}:${port}`, controlKey };
}
