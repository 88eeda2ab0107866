import { CodedError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import type { Registry } from '../coordinator/registry.ts';
import type { RouterMetrics } from '../metrics.ts';
import type { Store } from '../store/store.ts';
import { type LocalRunner, RunnerBackends } from './runner-backends.ts';
import { SessionMetrics } from './session-metrics.ts';
import { SessionStarter } from './session-starter.ts';
import { SessionSweep } from './session-sweep.ts';
import { Sessions } from './sessions.ts';
import { Settlements } from './settlements.ts';
import { Turns } from './turns.ts';
import { UnclaimedSandboxes } from './unclaimed-sandboxes.ts';

export interface SessionServiceOptions {
  readonly store: Store;
  readonly coordinator: Coordinator;
  readonly registry: Registry;
  readonly metrics: RouterMetrics;
  readonly log: Logger;
  /** Bearer secret of the fleet. */
  readonly secret: string | undefined;
  readonly local: LocalRunner | undefined;
  readonly turnTimeoutMs: number;
  readonly idleMs: number;
  readonly endAfterMs: number;
  readonly retentionMs: number | undefined;
  readonly maxPerKey: number;
}

/** The parts of the sessions API, put together. */
export interface SessionService {
  readonly sessions: Sessions;
  readonly turns: Turns;
  readonly backends: RunnerBackends;
  sweep(nowMs: number): Promise<void>;
  /** Waits for turns under way, at most `deadlineMs`. */
  drain(deadlineMs: number): Promise<void>;
  close(): Promise<void>;
}

export function createSessionService(options: SessionServiceOptions): SessionService {
  const { coordinator, store, log } = options;
  const backends = new RunnerBackends(options);
  const metrics = new SessionMetrics(options.metrics.registry, () => turns.running);
  const settlements = new Settlements(log);
  const turns = new Turns({ ...options, backends, metrics, settlements });
  const starter = new SessionStarter({ ...options, backends });
  const sessions = new Sessions({ ...options, backends, starter, metrics, settlements });
  const sweep = new SessionSweep({ ...options, backends, metrics });
  const unclaimed = new UnclaimedSandboxes({ store, backends, log });
  coordinator.on('sessions-paused', (reason, count) => metrics.sessionsChanged('paused', reason, count));
  return {
    sessions,
    turns,
    backends,
    async sweep(nowMs) {
      await sweep.sweep(nowMs);
      await unclaimed.end();
    },
    drain: (deadlineMs) => turns.drain(deadlineMs),
    async close() {
      settlements.close();
      await backends.close();
      await coordinator.endLease().catch((error: unknown) => {
        if (!(error instanceof CodedError)) throw error;
        log.warn('lease not ended, it ends by itself', { store: store.database.isAvailable });
      });
    },
  };
}
