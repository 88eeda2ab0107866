import { describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import type { PauseReason } from '../store/schema.ts';
import type { ExpiredSession } from '../store/session-expiry-queries.ts';
import type { Store } from '../store/store.ts';
import type { RunnerBackends } from './runner-backends.ts';
import type { SessionMetrics } from './session-metrics.ts';

export interface SessionSweepOptions {
  readonly store: Store;
  readonly coordinator: Coordinator;
  readonly backends: RunnerBackends;
  readonly metrics: SessionMetrics;
  readonly log: Logger;
  /** An active session without a message for so long is paused. */
  readonly idleMs: number;
  /** A session that has been paused for so long is ended. */
  readonly endAfterMs: number;
  /** A session that ended so long ago is deleted, with its transcript; undefined keeps it. */
  readonly retentionMs: number | undefined;
}

/** A start that takes longer is one that its router has forgotten. */
const startLimitMs = 300_000;
/** Leases that ended long ago; nothing refers to them. */
const leaseMemoryMs = 600_000;
const parallelCalls = 20;
/** What one statement deletes: an embedded database does nothing else meanwhile. */
const deletedAtOnce = { sessions: 100, rows: 500 };
/** In one sweep; what is left over is the next one's. */
const maxDeletions = 10;

/** What becomes of sessions by the passing of time, or by the loss of those who cared for them. Any coordinator may sweep at any time. */
export class SessionSweep {
  readonly #options: SessionSweepOptions;

  constructor(options: SessionSweepOptions) {
    this.#options = options;
  }

  async sweep(nowMs: number): Promise<void> {
    const { store, coordinator, metrics, idleMs, endAfterMs } = this.#options;
    const { expiry } = store;
    const paused = async (reason: PauseReason, sessions: Promise<readonly ExpiredSession[]>) => {
      const found = await sessions;
      metrics.sessionsChanged('paused', reason, found.length);
      await this.#destroySandboxes(found);
    };
    await paused('idle', expiry.pauseIdle(nowMs - idleMs, nowMs));
    await paused('router-lost', expiry.pauseLongStarts(nowMs - startLimitMs, nowMs));
    const leaseCutOffMs = coordinator.leaseCutOffMs(nowMs);
    if (leaseCutOffMs !== undefined) {
      await paused('router-lost', expiry.pauseAbandoned(leaseCutOffMs, nowMs));
      await store.coordinators.deleteSilent(nowMs - leaseMemoryMs);
    }
    metrics.sessionsChanged('paused', 'runner-lost', await expiry.pauseOrphans('runner-lost', nowMs));
    metrics.sessionsChanged('ended', 'expired', await expiry.endPaused(nowMs - endAfterMs, nowMs));
    await this.#deleteEnded(nowMs);
  }

  async #deleteEnded(nowMs: number): Promise<void> {
    const { store, metrics, retentionMs, log } = this.#options;
    if (retentionMs === undefined) return;
    let total = 0;
    for (let deletions = 0; deletions < maxDeletions; deletions++) {
      const deleted = await store.expiry.deleteEnded(nowMs - retentionMs, deletedAtOnce);
      if (deleted === 0) break;
      total += deleted;
    }
    metrics.sessionsChanged('deleted', 'expired', total);
    if (total > 0) log.info('ended sessions deleted', { sessions: total });
  }

  /** As well as it goes: a sandbox that stays behind holds memory until its runner ends. */
  async #destroySandboxes(sessions: readonly ExpiredSession[]): Promise<void> {
    const left = [...sessions];
    const work = async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) await this.#destroySandbox(next);
    };
    await Promise.all(Array.from({ length: Math.min(parallelCalls, left.length) }, work));
  }

  async #destroySandbox({ id, last_runner_id: runnerId }: ExpiredSession): Promise<void> {
    if (runnerId === null) return;
    try {
      await (await this.#options.backends.of(runnerId))?.destroySandbox(id);
    } catch (error) {
      this.#options.log.warn('sandbox left behind', { sessionId: id, runnerId, detail: describeError(error) });
    }
  }
}
