import type { SandboxPool } from '../sandboxes/pool.ts';
import type { Logger } from '../shared/log.ts';
import type { EngineLoad, LoadReport, RunnerHeartbeat, RunnerRegistration } from '../shared/protocol.ts';
import { version } from '../shared/version.ts';
import { type DrainDeadline, drain } from './drain.ts';
import type { Engine, EngineStatus } from './engine/engine.ts';
import { readEngineLoad } from './engine/engine-load.ts';
import { readServedModel } from './engine/served-model.ts';
import { LoadFeed } from './load-feed.ts';
import { defaultRunnerId, type RunnerOptions, urlHost } from './options.ts';
import type { RunnerFacts } from './routers/router-link.ts';
import { RouterLinks } from './routers/router-links.ts';
import { combineViews, type RouterView } from './routers/router-view.ts';
import type { RunnerHealth } from './server.ts';

export interface RunnerDrain {
  readonly deadline: () => DrainDeadline;
  /** The drain was begun by an earlier process, whose engine may still run. */
  readonly isResumed: boolean;
  readonly onMoved: () => void;
  readonly log: Logger;
}

/** Ties an engine and its sandboxes to the routers: tells them once it generates, of every change, and of its end. */
export class Runner implements RunnerFacts {
  readonly loadFeed: LoadFeed;
  readonly #options: RunnerOptions;
  readonly #engine: Engine;
  readonly #pool: SandboxPool;
  readonly #log: Logger;
  readonly #links: RouterLinks;
  readonly #onAnswer: (() => void)[] = [];
  #port: number;
  #model: string | undefined;
  #isEngineStarted = false;
  #isAdmitted = false;
  #hasServed = false;
  #isLeaving = false;

  constructor(options: RunnerOptions, engine: Engine, pool: SandboxPool, log: Logger) {
    this.#options = options;
    this.#engine = engine;
    this.#pool = pool;
    this.#log = log;
    this.#port = options.port;
    this.#model = options.engine.model;
    const { routerUrls, internalSecret: secret, timeScale } = options;
    this.loadFeed = new LoadFeed({
      readLoad: (signal) => this.#readLoad(signal),
      facts: () => this.#facts(),
      timeScale,
    });
    const onAnswer = () => {
      for (const listener of this.#onAnswer) listener();
    };
    const link = { facts: this, secret, timeScale, log, onAnswer };
    this.#links = new RouterLinks({ routerUrls, link, log, timeScale });
  }

  /** @param port on which the control surface listens */
  start(port: number): void {
    this.#port = port;
    this.#log.info('runner started', { runnerId: this.runnerId, routers: this.#options.routerUrls });
    this.#engine.onChange((status) => {
      this.loadFeed.notify();
      void this.#announce(status);
    });
  }

  get runnerId(): string {
    return defaultRunnerId(this.#options, this.#port);
  }

  /** Launches the engine, once. Routers hear of it only when it is admitted as well. */
  startEngine(): void {
    if (this.#isEngineStarted) return;
    this.#isEngineStarted = true;
    this.#engine.start();
  }

  /** From now on routers may know the engine; they hear of it as soon as it generates. */
  admit(): void {
    if (this.#isAdmitted) return;
    this.#isAdmitted = true;
    if (this.#engine.status.state === 'ready') void this.#announce(this.#engine.status);
  }

  /** Called whenever a router answered to a heartbeat; see `routerView`. */
  onAnswer(listener: () => void): void {
    this.#onAnswer.push(listener);
  }

  /** What the routers know of this worker; undefined while none tells. */
  get routerView(): RouterView | undefined {
    return combineViews(this.#links.all.map(({ lastAnswer }) => lastAnswer));
  }

  /** Asks the routers anew. */
  askRouters(): void {
    this.#links.notify();
  }

  /** A router says where it is. One that comes when the worker leaves need not know it any more. */
  hearRouter(routerUrl: string): void {
    if (!this.#isLeaving) this.#links.hear(routerUrl);
  }

  /** Gives the engine up; to be called once. */
  async drain({ deadline, isResumed, onMoved, log }: RunnerDrain): Promise<void> {
    this.#isLeaving = true;
    if (isResumed) {
      this.#engine.beginDrain();
      this.startEngine();
      // Routers may have lost sight of the runner meanwhile: it leaves their lists only as one that they know.
      this.#links.start();
    }
    await drain({
      ...{ engine: this.#engine, pool: this.#pool, links: this.#links.all, log, deadline, onMoved },
      hasServed: isResumed || this.#hasServed,
    });
  }

  health(): Omit<RunnerHealth, 'status' | 'lifecycle'> {
    return {
      runnerId: this.runnerId,
      version,
      engineUrl: this.#advertisedEngineUrl,
      model: this.#model ?? null,
      engine: this.#engine.status,
      pool: this.#pool.statistics,
    };
  }

  registration(): RunnerRegistration {
    const { advertisedHost: host, instanceId } = this.#options;
    const { max: maxSandboxes } = this.#options.sandboxes;
    return {
      runnerId: this.runnerId,
      host,
      port: this.#port,
      maxSandboxes,
      engineUrl: this.#advertisedEngineUrl,
      model: this.#model,
      instanceId,
      version,
      engineState: this.#engine.status.state,
    };
  }

  async heartbeat(): Promise<RunnerHeartbeat> {
    const load = await this.#readLoad();
    // The facts are read last: a change during the load's reading would otherwise be reported a heartbeat late.
    return { runnerId: this.runnerId, load, ...this.#facts() };
  }

  /** @returns undefined for an engine that does not serve */
  async #readLoad(signal?: AbortSignal): Promise<EngineLoad | undefined> {
    const { state } = this.#engine.status;
    return state === 'ready' || state === 'draining' ? await readEngineLoad(this.#engine.url, signal) : undefined;
  }

  #facts(): Omit<LoadReport, 'load'> {
    const { activeCount, warmingCount } = this.#pool.statistics;
    return { engineState: this.#engine.status.state, activeCount, warmingCount };
  }

  /** Routers hear of an engine from its first generation on, and from then on of every change. */
  async #announce(status: EngineStatus): Promise<void> {
    if (status.state === 'ready' && this.#isAdmitted) {
      this.#model = (await readServedModel(this.#engine.url)) ?? this.#model;
      // A drain may have begun meanwhile; it has closed the links, or is about to.
      if (!this.#isLeaving) {
        this.#hasServed = true;
        this.#links.start();
        // Not earlier: a starting engine needs the machine for itself.
        this.#pool.startWarming();
      }
    }
    this.#links.notify();
  }

  /** The engine's address as routers see it: an external engine's own, else this machine's. */
  get #advertisedEngineUrl(): string {
    const { engine, advertisedHost } = this.#options;
    if (engine.kind === 'external') return this.#engine.url;
    return `http://${urlHost(advertisedHost)}:${new URL(this.#engine.url).port}`;
  }
}
