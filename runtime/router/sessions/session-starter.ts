import { CodedError, describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { RunnerBackend, SandboxRestore, SandboxSpec } from '../../shared/sandbox-protocol.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import type { Registry } from '../coordinator/registry.ts';
import { routerError } from '../errors.ts';
import type { PlacementRequest } from '../store/place-session.ts';
import type { SessionRow } from '../store/session-queries.ts';
import type { Store } from '../store/store.ts';
import type { RunnerBackends } from './runner-backends.ts';
import { isWorthAnotherRunner } from './runners-error.ts';
import { notActive } from './session-state.ts';
import { settingsOf } from './session-view.ts';

export interface SessionStarterOptions {
  readonly store: Store;
  readonly coordinator: Coordinator;
  readonly registry: Pick<Registry, 'models' | 'drainingRunners'>;
  readonly backends: RunnerBackends;
  readonly log: Logger;
}

/** Runners that are asked before a start is given up. */
const maxRunners = 5;
const noCapacityRetrySeconds = 10;

/** Gives a session in the state `starting` a sandbox, on the runner with the most room that does not refuse it. */
export class SessionStarter {
  readonly #options: SessionStarterOptions;

  constructor(options: SessionStarterOptions) {
    this.#options = options;
  }

  /**
   * @param restore what the session's turns left; undefined for a new session
   * @returns the session, now active
   * @throws NO_CAPACITY; the refusal of a runner when the request is at fault, or of the last one asked; SESSION_PAUSED or
   * SESSION_ENDED when that happened to it meanwhile. It is still `starting` in the first two cases.
   */
  async start(session: SessionRow, restore: SandboxRestore | undefined): Promise<SessionRow> {
    const { store, log } = this.#options;
    const { id } = session;
    const refusedBy: string[] = [];
    let refusal: CodedError | undefined;
    while (refusedBy.length < maxRunners) {
      const placed = await store.sessions.place(this.#wishes(session, refusedBy));
      if (placed === undefined) break;
      const { runnerId, placement } = placed;
      try {
        const backend = await this.#makeSandbox(runnerId, session, restore);
        const active = await store.sessions.activate(id, placement, Date.now());
        if (active) return active;
        await backend.destroySandbox(id);
        throw await this.#overtaken(session);
      } catch (error) {
        if (!(error instanceof CodedError) || isRoutersOwn(error) || !isWorthAnotherRunner(error)) throw error;
        log.warn('runner did not take a session', { runnerId, sessionId: id, detail: describeError(error) });
        refusal = error;
        refusedBy.push(runnerId);
      }
    }
    if (refusal !== undefined && refusal.code !== 'NO_CAPACITY' && refusal.code !== 'RUNNER_DRAINING') throw refusal;
    throw routerError(
      'NO_CAPACITY',
      { retryAfterSeconds: noCapacityRetrySeconds },
      { retryAfterSeconds: noCapacityRetrySeconds, cause: refusal },
    );
  }

  /** What the choice of a runner depends on. */
  #wishes(session: SessionRow, refusedBy: readonly string[]): PlacementRequest {
    const { coordinator, registry } = this.#options;
    const nowMs = Date.now();
    const isModelChosen = registry.models.size > 1 && session.model !== null;
    return {
      sessionId: session.id,
      nowMs,
      aliveSinceMs: nowMs - coordinator.silenceMs,
      model: isModelChosen ? session.model! : undefined,
      // The store learns of a drain with a heartbeat, which a router that is away may delay.
      excluded: [...refusedBy, ...registry.drainingRunners],
      // Its engine has the conversation's prefix, if it is still there.
      preferred: session.last_runner_id === null ? [] : [session.last_runner_id],
    };
  }

  async #makeSandbox(
    runnerId: string,
    session: SessionRow,
    restore: SandboxRestore | undefined,
  ): Promise<RunnerBackend> {
    const backend = await this.#options.backends.of(runnerId);
    if (backend === undefined) {
      throw routerError('RUNNER_LOST', { id: session.id, detail: 'it left while the session was being started' });
    }
    // A sandbox that an earlier placement left on this runner may know of turns that were never recorded.
    if (restore !== undefined) await backend.destroySandbox(session.id);
    const { system, metadata } = settingsOf(session);
    const spec: SandboxSpec = {
      sessionId: session.id,
      agent: session.agent,
      model: session.model ?? undefined,
      system,
      metadata,
      restore,
    };
    await backend.createSandbox(spec);
    return backend;
  }

  /** Somebody paused or ended the session, or the sweep took its runner for dead, while it was being started. */
  async #overtaken({ id, owner_key_id }: SessionRow): Promise<CodedError> {
    const now = await this.#options.store.sessions.find(owner_key_id, id);
    return now === undefined ? routerError('UNKNOWN_SESSION', { id }) : notActive(now);
  }
}

/** Refusals that no runner is to blame for. */
function isRoutersOwn(error: CodedError): boolean {
  return error.code.startsWith('SESSION_') || error.code === 'STORE_UNAVAILABLE' || error.code === 'UNKNOWN_SESSION';
}
