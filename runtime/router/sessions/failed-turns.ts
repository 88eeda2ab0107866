import { CodedError, describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { RunnerBackend } from '../../shared/sandbox-protocol.ts';
import { routerError } from '../errors.ts';
import type { PauseReason } from '../store/schema.ts';
import type { SessionRow } from '../store/session-queries.ts';
import type { Store } from '../store/store.ts';
import type { RunnerBackends } from './runner-backends.ts';
import type { SessionMetrics } from './session-metrics.ts';
import type { Settlements } from './settlements.ts';
import type { Turn } from './turn.ts';

export interface FailedTurnsOptions {
  readonly store: Store;
  readonly backends: RunnerBackends;
  readonly metrics: SessionMetrics;
  readonly settlements: Settlements;
  readonly log: Logger;
}

export interface FailedTurn {
  readonly turn: Turn;
  /** Undefined when the runner is gone. */
  readonly backend: RunnerBackend | undefined;
  readonly error: unknown;
}

/** What becomes of a session whose turn failed: it goes on as if nothing had been said, or it loses its sandbox. */
export type Settlement = 'release' | PauseReason;

/** For ending a sandbox that is not used any more, while a client waits for bad news. */
const discardTimeoutMs = 1_000;

/** Failures after which the sandbox may know of a turn that the store does not. */
const leavesDoubt = new Set(['TURN_TIMEOUT', 'STORE_UNAVAILABLE', 'SHUTTING_DOWN', 'INTERNAL']);

/**
 * Judges a failed turn. The agent's own errors leave the session as it was, as long as its sandbox waits for the next
 * message. Whenever it is not known what the sandbox remembers, it is given up: the session is restored from the store.
 * @param isSandboxReady asks the runner, where its answer matters; undefined when it cannot be asked
 */
export async function settlementOf(
  error: CodedError,
  isSandboxReady: () => Promise<boolean | undefined>,
): Promise<Settlement> {
  if (error.code === 'RUNNER_LOST') return 'runner-lost';
  // It takes no message any more, from anybody: what runs on it may end there, the session goes on elsewhere.
  if (error.code === 'RUNNER_DRAINING') return 'runner-left';
  if (leavesDoubt.has(error.code)) return 'turn-failed';
  const isReady = await isSandboxReady();
  if (isReady === undefined) return 'runner-lost';
  return isReady ? 'release' : 'turn-failed';
}

/** Leaves no session behind that nobody answers, and no sandbox in use whose memory differs from the store. */
export class FailedTurns {
  readonly #options: FailedTurnsOptions;

  constructor(options: FailedTurnsOptions) {
    this.#options = options;
  }

  /** @returns what the client is told */
  async settle({ turn, backend, error }: FailedTurn): Promise<CodedError> {
    const coded = this.#toCoded(turn, error);
    if (coded.code === 'TURN_SUPERSEDED') {
      await this.#discardSandbox(turn.sessionId, turn.runnerId, turn.placement);
      return coded;
    }
    const settlement = await settlementOf(coded, () => isReady(turn.sessionId, backend));
    this.#options.log.warn('turn failed', {
      ...{ sessionId: turn.sessionId, turnId: turn.turnId, runnerId: turn.runnerId, settlement },
      detail: describeError(coded),
    });
    try {
      await this.#apply(turn, settlement);
    } catch (failure) {
      if (!(failure instanceof CodedError)) throw failure;
      void this.#options.settlements.untilDone(() => this.#apply(turn, settlement));
    }
    if (settlement !== 'runner-left') return coded;
    return routerError('SESSION_PAUSED', { id: turn.sessionId, reason: settlement }, { cause: coded });
  }

  /** Frees a session that may have been taken for a turn that never began: the store broke off before it answered. */
  async forgetClaim({ sessionId, turnId }: Pick<Turn, 'sessionId' | 'turnId'>): Promise<void> {
    const { settlements, store } = this.#options;
    await settlements.untilDone(() => store.turns.release(sessionId, turnId));
  }

  /** The router that answered the session's turn is gone. */
  async abandon({ id, placement, runner_id }: SessionRow): Promise<void> {
    const { store, metrics } = this.#options;
    if (!(await store.sessions.pausePlacement(id, placement, 'router-lost', Date.now()))) return;
    metrics.sessionsChanged('paused', 'router-lost');
    await this.#discardSandbox(id, runner_id!, placement);
  }

  async #apply({ sessionId, turnId, placement, runnerId }: Turn, settlement: Settlement): Promise<void> {
    const { store, metrics } = this.#options;
    if (settlement === 'release') {
      await store.turns.release(sessionId, turnId);
      return;
    }
    if (await store.sessions.pausePlacement(sessionId, placement, settlement, Date.now())) {
      metrics.sessionsChanged('paused', settlement);
    }
    await this.#discardSandbox(sessionId, runnerId, placement);
  }

  /** Ends the sandbox of a placement, unless the session is back on that runner with another one. */
  async #discardSandbox(sessionId: string, runnerId: string, placement: number): Promise<void> {
    const { store, backends, log } = this.#options;
    try {
      if (!(await store.sessions.isPlacedAgain(sessionId, runnerId, placement))) {
        await (await backends.of(runnerId))?.destroySandbox(sessionId, AbortSignal.timeout(discardTimeoutMs));
      }
    } catch (error) {
      log.warn('sandbox left behind', { sessionId, runnerId, detail: describeError(error) });
    }
  }

  #toCoded({ sessionId: id, turnId }: Turn, error: unknown): CodedError {
    if (!(error instanceof CodedError)) {
      this.#options.log.error('turn failed within the router', { sessionId: id, turnId, error });
      return routerError('INTERNAL', {}, { cause: error });
    }
    // The runner lives but has no such sandbox: it was restarted.
    const isUnknown = error.status === 404;
    return isUnknown ? routerError('RUNNER_LOST', { id, detail: 'its sandbox is gone' }, { cause: error }) : error;
  }
}

async function isReady(sessionId: string, backend: RunnerBackend | undefined): Promise<boolean | undefined> {
  try {
    return backend && (await backend.getSandbox(sessionId))?.status === 'ready';
  } catch {
    return undefined;
  }
}
