import { randomUUID } from 'node:crypto';
import { CodedError, describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { SandboxRestore } from '../../shared/sandbox-protocol.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import type { Registry } from '../coordinator/registry.ts';
import { routerError } from '../errors.ts';
import type { SessionListing, SessionRow } from '../store/session-queries.ts';
import type { Store } from '../store/store.ts';
import type { RunnerBackends } from './runner-backends.ts';
import type { SessionMetrics } from './session-metrics.ts';
import type { CreateSession } from './session-requests.ts';
import type { SessionStarter } from './session-starter.ts';
import { notActive } from './session-state.ts';
import { type MessageView, type SessionView, sessionView, transcriptView } from './session-view.ts';
import type { Settlements } from './settlements.ts';

export interface SessionsOptions {
  readonly store: Store;
  readonly coordinator: Pick<Coordinator, 'leaseId'>;
  readonly registry: Pick<Registry, 'models'>;
  readonly backends: RunnerBackends;
  readonly starter: SessionStarter;
  readonly metrics: SessionMetrics;
  readonly settlements: Settlements;
  readonly log: Logger;
  /** Sessions of one key that have not ended. */
  readonly maxPerKey: number;
}

/** The life of sessions but for their messages: creation, pause, resumption, end. To any key but its owner's a session does not exist. */
export class Sessions {
  readonly #options: SessionsOptions;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** @throws UNKNOWN_MODEL, SESSION_LIMIT, NO_CAPACITY, or what the runner has against it */
  async create(ownerKeyId: string, { agent, model, system, metadata }: CreateSession): Promise<SessionView> {
    const { store, starter, metrics, maxPerKey, coordinator } = this.#options;
    this.#checkModel(model);
    const id = `ses_${randomUUID().replaceAll('-', '')}`;
    const settings = JSON.stringify({ system, metadata });
    const session = { id, ownerKeyId, agent, model: model ?? null, settings, coordinator: coordinator.leaseId };
    try {
      if (!(await store.sessions.insert(session, maxPerKey, Date.now()))) {
        throw routerError('SESSION_LIMIT', { keyId: ownerKeyId, limit: maxPerKey });
      }
      const active = await starter.start((await store.sessions.find(ownerKeyId, id))!, undefined);
      metrics.sessionsChanged('active', 'created');
      return sessionView(active);
    } catch (error) {
      await this.#settle(() => store.sessions.deleteUnstarted(id));
      throw error;
    }
  }

  /** From new to old. */
  async list(listing: SessionListing): Promise<SessionRow[]> {
    return await this.#options.store.sessions.list(listing);
  }

  /** @throws UNKNOWN_SESSION */
  async get(ownerKeyId: string, id: string): Promise<SessionView & { readonly messages: readonly MessageView[] }> {
    const session = await this.#find(ownerKeyId, id);
    return { ...sessionView(session), messages: transcriptView(await this.#options.store.turns.list(id)) };
  }

  /** Gives the sandbox back; a paused session stays as it is. @throws SESSION_BUSY while a message is being answered */
  async pause(ownerKeyId: string, id: string): Promise<SessionView> {
    const { store, metrics } = this.#options;
    const paused = await store.sessions.pause(ownerKeyId, id, Date.now());
    if (paused) {
      metrics.sessionsChanged('paused', 'requested');
      await this.#destroySandbox(paused);
      return sessionView(paused);
    }
    const session = await this.#find(ownerKeyId, id);
    if (session.status === 'paused') return sessionView(session);
    throw session.status === 'active'
      ? routerError('SESSION_BUSY', { id }, { retryAfterSeconds: 1 })
      : notActive(session);
  }

  /** Restores the session from its recorded turns, on any runner; an active session stays as it is. */
  async resume(ownerKeyId: string, id: string): Promise<SessionView> {
    const { store, starter, metrics, coordinator } = this.#options;
    const start = { id, coordinator: coordinator.leaseId, beganAtMs: Date.now() };
    const takeBack = () => store.sessions.abandonStart(start, Date.now());
    const starting = await store.sessions.beginStart(ownerKeyId, start).catch(async (error: unknown) => {
      // The store may have broken off after it had done it.
      await this.#settle(takeBack);
      throw error;
    });
    if (starting === undefined) {
      const session = await this.#find(ownerKeyId, id);
      if (session.status === 'active') return sessionView(session);
      throw session.status === 'ended' ? notActive(session) : notActive({ ...session, status: 'starting' });
    }
    try {
      const active = await starter.start(starting, await this.#restoreOf(id));
      metrics.sessionsChanged('active', 'resumed');
      return sessionView(active);
    } catch (error) {
      await this.#settle(takeBack);
      throw error;
    }
  }

  /** Ends the session for good, whatever it does; its transcript stays. */
  async end(ownerKeyId: string, id: string): Promise<SessionView> {
    const ended = await this.#options.store.sessions.end(ownerKeyId, id, Date.now());
    if (ended === undefined) return sessionView(await this.#find(ownerKeyId, id));
    this.#options.metrics.sessionsChanged('ended', 'deleted');
    await this.#destroySandbox(ended);
    return sessionView(ended);
  }

  async #find(ownerKeyId: string, id: string): Promise<SessionRow> {
    const session = await this.#options.store.sessions.find(ownerKeyId, id);
    if (session === undefined) throw routerError('UNKNOWN_SESSION', { id });
    return session;
  }

  async #restoreOf(id: string): Promise<SandboxRestore> {
    const { turns } = this.#options.store;
    const [recorded, state] = await Promise.all([turns.list(id), turns.agentState(id)]);
    return { messages: recorded.flatMap(({ messages }) => messages), state };
  }

  /** Where several models are served a session's must be one of them; where one is, any name will do. */
  #checkModel(model: string | undefined): void {
    const { models } = this.#options.registry;
    if (model === undefined || models.size < 2 || models.has(model)) return;
    throw routerError('UNKNOWN_MODEL', { model, served: [...models].join(', ') }, { param: 'model' });
  }

  /** A sandbox that stays behind holds memory, no more: it is ended before its session comes back to that runner. */
  async #destroySandbox({ id, last_runner_id: runnerId }: SessionRow): Promise<void> {
    if (runnerId === null) return;
    try {
      await (await this.#options.backends.of(runnerId))?.destroySandbox(id);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#options.log.warn('sandbox left behind', { sessionId: id, runnerId, detail: describeError(error) });
    }
  }

  /** Takes back a start that failed, later when the store is down now. */
  async #settle(takeBack: () => Promise<void>): Promise<void> {
    try {
      await takeBack();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      void this.#options.settlements.untilDone(takeBack);
    }
  }
}
