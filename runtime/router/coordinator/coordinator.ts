import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { hostname } from 'node:os';
import type { Logger } from '../../shared/log.ts';
import {
  heartbeatTimeoutMs,
  type LoadReport,
  type RunnerHeartbeat,
  type RunnerRegistration,
} from '../../shared/protocol.ts';
import type { StoredRunner } from '../store/runner-queries.ts';
import type { PauseReason } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { HeartbeatWriter } from './heartbeat-writer.ts';
import type { Registry } from './registry.ts';
import { type KnownRunner, RunnerDirectory } from './runner-directory.ts';
import { silenceCutOffMs } from './trusted-silence.ts';

interface CoordinatorEvents {
  /** All sessions of a runner were paused at once. */
  'sessions-paused': [reason: PauseReason, count: number];
}

/**
 * The control plane: keeps registry, directory and store in step with what runners say, here and at other coordinators.
 * Any number of them work on one store, without a leader: every statement may be repeated by another.
 */
export class Coordinator extends EventEmitter<CoordinatorEvents> {
  /** `hostname-pid`: which coordinator wrote a log line or answered a health check. */
  readonly id = `${hostname()}-${process.pid}`;
  /** Names this run of the process in the store: turns that it answers are its own as long as the lease is kept. */
  readonly leaseId = `${this.id}-${randomUUID().slice(0, 8)}`;
  readonly runners = new RunnerDirectory();
  /** A runner or coordinator that is silent for so long is dead. */
  readonly silenceMs: number;
  readonly #registry: Registry;
  readonly #store: Store;
  readonly #log: Logger;
  readonly #heartbeats: HeartbeatWriter;
  /** Wall clock ms since when this process has run without a pause. */
  #awakeSinceMs = 0;

  /** @param silenceMs default 30 s */
  constructor(registry: Registry, store: Store, log: Logger, silenceMs = heartbeatTimeoutMs) {
    super();
    this.#registry = registry;
    this.#store = store;
    this.#log = log;
    this.silenceMs = silenceMs;
    this.#heartbeats = new HeartbeatWriter((beats) => store.runners.saveHeartbeats(beats));
  }

  /**
   * Brings back the runners of the last run, so that a restarted router serves before they register again, and takes the
   * lease. A store that is down does not keep a router from starting: `sync` does the same later.
   */
  async start(nowMs: number): Promise<void> {
    try {
      if (!this.#store.database.isShared) await this.#store.coordinators.endAllLeases();
      await this.keepLease(nowMs);
      await this.sync(nowMs);
    } catch (error) {
      if (this.#store.database.isAvailable) throw error;
      this.#log.warn('started without the store', { error });
    }
  }

  async register(runner: RunnerRegistration, nowMs: number): Promise<void> {
    // The registry first: its engine may serve whatever becomes of the store. The runner tries until both know it.
    const known: KnownRunner = { registration: runner, lastHeartbeatAtMs: nowMs, isStored: false };
    this.runners.set(known);
    this.#registry.registerRunner(runner, nowMs);
    await this.#store.runners.save(runner, nowMs);
    known.isStored = true;
    this.#log.info('runner registered', { runnerId: runner.runnerId, engineUrl: runner.engineUrl });
  }

  /**
   * @returns false when the runner is unknown and has to register
   * @throws STORE_UNAVAILABLE when only the store could tell
   */
  async heartbeat(heartbeat: RunnerHeartbeat, nowMs: number): Promise<boolean> {
    const known = this.runners.get(heartbeat.runnerId);
    if (known) known.lastHeartbeatAtMs = nowMs;
    const isListed = this.#registry.heartbeat(heartbeat, nowMs);
    try {
      if (!(await this.#heartbeats.save(heartbeat, nowMs))) {
        if (known) known.isStored = false;
        return false;
      }
      // Auto Scaling may have taken its engine off the list; a registration brings it back.
      if (known?.registration.engineUrl !== undefined && !isListed) return false;
      if (!known) await this.#learn(heartbeat.runnerId);
      return true;
    } catch (error) {
      if (known && !this.#store.database.isAvailable) return true;
      throw error;
    }
  }

  /**
   * What a runner pushed between two heartbeats. It changes nothing in the store and says nothing of the runner's life.
   * @param isNewState whether its word on the engine's state is a new one; a repeated one is believed no more than before
   */
  hearLoad(runnerId: string, { load, engineState }: LoadReport, isNewState: boolean, nowMs: number): void {
    const known = this.runners.get(runnerId);
    if (known) known.lastReportAtMs = nowMs;
    this.#registry.hear({ runnerId, load, engineState: isNewState ? engineState : undefined });
  }

  /** The runner leaves: all its sessions are paused in one statement. */
  async deregister(runnerId: string, nowMs: number): Promise<void> {
    this.#forget(runnerId);
    const pausedSessions = await this.#store.expiry.pauseAllOf(runnerId, 'runner-left', nowMs);
    this.emit('sessions-paused', 'runner-left', pausedSessions);
    await this.#store.runners.delete(runnerId);
    this.#log.info('runner deregistered', { runnerId, pausedSessions });
  }

  /**
   * Removes every runner that has been silent for too long: one query finds them, one statement for each pauses its
   * sessions. Then whatever other coordinators removed is dropped here as well.
   */
  async sweep(nowMs: number): Promise<void> {
    const cutOffMs = this.trustedCutOffMs(nowMs);
    if (cutOffMs === undefined) return;
    for (const runnerId of await this.#store.runners.silentSince(cutOffMs)) {
      const pausedSessions = await this.#store.expiry.pauseAllOfSilent(runnerId, cutOffMs, nowMs);
      this.emit('sessions-paused', 'runner-lost', pausedSessions);
      await this.#store.runners.deleteSilent(runnerId, cutOffMs);
      this.#log.warn('runner lost', { runnerId, pausedSessions });
    }
    await this.sync(nowMs);
    for (const [runnerId, runner] of this.runners.entries()) {
      if (!runner.isStored && runner.lastHeartbeatAtMs < cutOffMs) this.#forget(runnerId);
    }
  }

  /** Makes directory and registry equal to the store: runners may register with, and leave, any coordinator. */
  async sync(nowMs: number): Promise<void> {
    const before = this.runners.entries();
    const rows = await this.#store.runners.list();
    for (const row of rows) if (row.lastHeartbeatAtMs >= nowMs - this.silenceMs) this.#follow(row);
    const stored = new Set(rows.map(({ registration }) => registration.runnerId));
    for (const [runnerId, runner] of before) {
      const isOurs = runner.isStored && this.runners.get(runnerId) === runner;
      if (isOurs && !stored.has(runnerId)) this.#forget(runnerId);
    }
  }

  async keepLease(nowMs: number): Promise<void> {
    await this.#store.coordinators.keepLease(this.leaseId, nowMs);
  }

  async endLease(): Promise<void> {
    await this.#store.coordinators.endLease(this.leaseId);
  }

  /** This process stood still until now: heartbeats may wait in its sockets. */
  noteStandstill(nowMs: number): void {
    this.#awakeSinceMs = nowMs;
  }

  /** Who was not heard since then is dead; undefined while nobody can be called that. */
  trustedCutOffMs(nowMs: number): number | undefined {
    const sinceMs = Math.max(this.#store.database.availableSinceMs, this.#awakeSinceMs);
    return silenceCutOffMs(nowMs, this.silenceMs, sinceMs);
  }

  /** Coordinators whose lease is older are gone. In a database of our own every other lease was ended at the start. */
  leaseCutOffMs(nowMs: number): number | undefined {
    return this.#store.database.isShared ? this.trustedCutOffMs(nowMs) : 0;
  }

  /** A runner that another coordinator registered. @returns undefined when the store has none */
  async findRunner(runnerId: string): Promise<RunnerRegistration | undefined> {
    return this.runners.get(runnerId)?.registration ?? (await this.#learn(runnerId));
  }

  async #learn(runnerId: string): Promise<RunnerRegistration | undefined> {
    const row = await this.#store.runners.find(runnerId);
    if (row) this.#follow(row);
    return row?.registration;
  }

  #follow({ registration, registeredAtMs, lastHeartbeatAtMs }: StoredRunner): void {
    const { runnerId, engineState } = registration;
    const known = this.runners.get(runnerId);
    if (known === undefined || (known.isStored && hasMoved(known.registration, registration))) {
      this.runners.set({ registration, lastHeartbeatAtMs, isStored: true });
      this.#registry.registerRunner(registration, lastHeartbeatAtMs);
      this.#log.info('runner learned from the store', { runnerId, registeredAtMs });
    } else if (lastHeartbeatAtMs > known.lastHeartbeatAtMs) {
      known.lastHeartbeatAtMs = lastHeartbeatAtMs;
      // What the runner itself said here later counts more than what it had told another coordinator.
      const isNews = lastHeartbeatAtMs > (known.lastReportAtMs ?? 0);
      const news = { runnerId, engineState: isNews ? engineState : undefined };
      const isListed = this.#registry.heartbeat(news, lastHeartbeatAtMs);
      if (!isListed) this.#registry.registerRunner(registration, lastHeartbeatAtMs);
    }
  }

  #forget(runnerId: string): void {
    this.runners.delete(runnerId);
    this.#registry.removeRunner(runnerId);
  }
}

function hasMoved(former: RunnerRegistration, now: RunnerRegistration): boolean {
  return former.host !== now.host || former.port !== now.port || former.engineUrl !== now.engineUrl;
}
