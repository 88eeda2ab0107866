import type { SandboxPool } from '../sandboxes/pool.ts';
import type { Logger } from '../shared/log.ts';
import type { EngineLoad, LoadReport, RunnerHeartbeat, RunnerRegistration } from '../shared/protocol.ts';
import { version } from '../shared/version.ts';
import { drain } from './drain.ts';
import type { Engine, EngineStatus } from './engine/engine.ts';
import { readEngineLoad } from './engine/engine-load.ts';
import { readServedModel } from './engine/served-model.ts';
import { LoadFeed } from './load-feed.ts';
import { defaultRunnerId, type RunnerOptions, urlHost } from './options.ts';
import { RouterLink, type RunnerFacts } from './routers/router-link.ts';
import type { RunnerControl, RunnerHealth } from './server.ts';

/** Ties an engine and its sandboxes to the routers: tells them once it generates, of every change, and of its end. */
export class Runner implements RunnerFacts, RunnerControl {
  readonly loadFeed: LoadFeed;
  readonly #options: RunnerOptions;
  readonly #engine: Engine;
  readonly #pool: SandboxPool;
  readonly #log: Logger;
  readonly #links: readonly RouterLink[];
  #port: number;
  #model: string | undefined;
  #drain: Promise<void> | undefined;
  #isDrained = false;

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
    this.#links = routerUrls.map((routerUrl) => new RouterLink({ routerUrl, facts: this, secret, timeScale, log }));
  }

  /** @param port on which the control surface listens */
  start(port: number): void {
    this.#port = port;
    this.#log.info('runner started', { runnerId: this.runnerId, routers: this.#options.routerUrls });
    this.#engine.onChange((status) => {
      this.loadFeed.notify();
      void this.#announce(status);
    });
    this.#engine.start();
  }

  get runnerId(): string {
    return defaultRunnerId(this.#options, this.#port);
  }

  /** Gives the engine up; every caller waits for the same drain. */
  drain(reason: string): Promise<void> {
    const { drainMs, timeScale } = this.#options;
    this.#drain ??= drain({
      engine: this.#engine,
      pool: this.#pool,
      links: this.#links,
      log: this.#log.child({ reason }),
      drainMs: drainMs / timeScale,
    }).then(() => {
      this.#isDrained = true;
    });
    return this.#drain;
  }

  beginDrain(reason: string): void {
    this.drain(reason).catch((error: unknown) => this.#log.error('drain failed', { error }));
  }

  health(): RunnerHealth {
    return {
      status: this.#isDrained ? 'drained' : this.#drain ? 'draining' : 'ok',
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
    if (status.state === 'ready') {
      this.#model = (await readServedModel(this.#engine.url)) ?? this.#model;
      // A drain may have begun meanwhile; it has closed the links, or is about to.
      if (!this.#drain) {
        for (const link of this.#links) link.start();
        // Not earlier: a starting engine needs the machine for itself.
        this.#pool.startWarming();
      }
    }
    for (const link of this.#links) link.notify();
  }

  /** The engine's address as routers see it: an external engine's own, else this machine's. */
  get #advertisedEngineUrl(): string {
    const { engine, advertisedHost } = this.#options;
    if (engine.kind === 'external') return this.#engine.url;
    return `http://${urlHost(advertisedHost)}:${new URL(this.#engine.url).port}`;
  }
}
