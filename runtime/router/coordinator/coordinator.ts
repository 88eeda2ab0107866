import { hostname } from 'node:os';
import type { Logger } from '../../shared/log.ts';
import { heartbeatTimeoutMs, type RunnerHeartbeat, type RunnerRegistration } from '../../shared/protocol.ts';
import type { Store } from '../store/store.ts';
import type { Registry } from './registry.ts';

/** The control plane: keeps registry and store in step with what runners say. */
export class Coordinator {
  /** `hostname-pid`: which coordinator wrote a log line or answered a health check. */
  readonly id = `${hostname()}-${process.pid}`;
  readonly #registry: Registry;
  readonly #store: Store;
  readonly #log: Logger;
  /** Runners that host sandboxes only: the registry of engines does not list them. */
  readonly #withoutEngine = new Set<string>();

  constructor(registry: Registry, store: Store, log: Logger) {
    this.#registry = registry;
    this.#store = store;
    this.#log = log;
  }

  /** Brings back the runners of the last run, so that a restarted router serves before they register again. */
  async restore(nowMs: number): Promise<void> {
    for (const { registration, lastHeartbeatAtMs } of await this.#store.runnersAliveSince(nowMs - heartbeatTimeoutMs)) {
      this.#registry.registerRunner(registration, lastHeartbeatAtMs);
      this.#log.info('runner restored', { runnerId: registration.runnerId });
    }
  }

  async register(runner: RunnerRegistration, nowMs: number): Promise<void> {
    await this.#store.saveRunner(runner, nowMs);
    if (runner.engineUrl === undefined) this.#withoutEngine.add(runner.runnerId);
    this.#registry.registerRunner(runner, nowMs);
    this.#log.info('runner registered', { runnerId: runner.runnerId, engineUrl: runner.engineUrl });
  }

  /** @returns false when the runner is unknown here and has to register */
  async heartbeat(heartbeat: RunnerHeartbeat, nowMs: number): Promise<boolean> {
    const isStored = await this.#store.saveHeartbeat(heartbeat, nowMs);
    const isListed = this.#registry.heartbeat(heartbeat, nowMs);
    return isStored && (isListed || this.#withoutEngine.has(heartbeat.runnerId));
  }

  async deregister(runnerId: string): Promise<void> {
    await this.#store.deleteRunner(runnerId);
    this.#withoutEngine.delete(runnerId);
    this.#registry.removeRunner(runnerId);
    this.#log.info('runner deregistered', { runnerId });
  }

  /** Removes every runner whose last heartbeat is older than `cutOffMs` (wall clock). */
  async removeSilentRunners(cutOffMs: number): Promise<void> {
    for (const runnerId of this.#registry.runnersSilentSince(cutOffMs)) {
      this.#log.warn('runner lost', { runnerId });
      this.#registry.removeRunner(runnerId);
      // A store that fails must not end the router; the row is too old to be restored anyway.
      await this.#store
        .deleteRunner(runnerId)
        .catch((error: unknown) => this.#log.error('lost runner not deleted from the store', { runnerId, error }));
    }
  }
}
