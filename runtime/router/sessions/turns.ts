import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { CodedError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { RunnerBackend, TurnDone } from '../../shared/sandbox-protocol.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import { routerError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { ClaimedTurn, FinishedTurn, RecordedTurn, TurnClaim } from '../store/turn-queries.ts';
import { type FailedTurn, FailedTurns } from './failed-turns.ts';
import type { RunnerBackends } from './runner-backends.ts';
import type { SessionMetrics } from './session-metrics.ts';
import { whyNotClaimed } from './session-state.ts';
import type { Settlements } from './settlements.ts';
import type { Message, Turn } from './turn.ts';
import type { TurnAnswer } from './turn-answer.ts';

export interface TurnsOptions {
  readonly store: Store;
  readonly coordinator: Coordinator;
  readonly backends: RunnerBackends;
  readonly metrics: SessionMetrics;
  readonly settlements: Settlements;
  readonly log: Logger;
  /** Longest time for one answer, in ms. */
  readonly turnTimeoutMs: number;
}

export type Taken =
  | { readonly turn: Turn; readonly recorded?: undefined }
  /** It was answered before: its Idempotency-Key says so. */
  | { readonly recorded: RecordedTurn; readonly model: string; readonly turn?: undefined };

const maxClaims = 3;
/** A store that restarts while a turn ends is waited for. */
const recordPatienceMs = 20_000;
const recordRetryMs = 200;

/**
 * Answers messages to sessions. A turn is in the store, whole, before the client sees its last event; when it cannot be
 * recorded it is nowhere, and the sandbox that may remember it is not used again.
 */
export class Turns {
  readonly #options: TurnsOptions;
  readonly #failed: FailedTurns;
  readonly #running = new Map<Turn, AbortController>();
  #isDraining = false;
  #onIdle: (() => void) | undefined;

  constructor(options: TurnsOptions) {
    this.#options = options;
    this.#failed = new FailedTurns(options);
  }

  /** Turns under way. */
  get running(): number {
    return this.#running.size;
  }

  /** @throws UNKNOWN_SESSION, SESSION_PAUSED and the like, IDEMPOTENCY_MISMATCH, STORE_UNAVAILABLE */
  async take(message: Message): Promise<Taken> {
    if (this.#isDraining) throw routerError('SHUTTING_DOWN', {}, { retryAfterSeconds: 1 });
    const { coordinator } = this.#options;
    const claim: TurnClaim = {
      sessionId: message.sessionId,
      ownerKeyId: message.ownerKeyId,
      idempotencyKey: message.idempotencyKey,
      turnId: `turn_${randomUUID().replaceAll('-', '')}`,
      coordinator: coordinator.leaseId,
      digest: createHash('sha256').update(message.content).digest('hex'),
    };
    const startedAtMs = performance.now();
    for (let claims = 0; claims < maxClaims; claims++) {
      const claimed = await this.#claim(claim);
      if (claimed) return { turn: { ...claim, ...claimed, content: message.content, startedAtMs } };
      const taken = await this.#recordedOrRefuse(claim);
      if (taken) return taken;
    }
    throw routerError('SESSION_BUSY', { id: message.sessionId }, { retryAfterSeconds: 1 });
  }

  /** Lets the runner answer; whatever becomes of the client, the turn goes on to its end. Never rejects. */
  async run(turn: Turn, answer: TurnAnswer): Promise<void> {
    const { metrics, turnTimeoutMs } = this.#options;
    const stop = new AbortController();
    this.#running.set(turn, stop);
    const timer = setTimeout(() => stop.abort(this.#tooLong(turn)), turnTimeoutMs);
    let outcome = 'recorded';
    let backend: RunnerBackend | undefined;
    try {
      backend = await this.#backendOf(turn);
      const done = await this.#converse(turn, backend, answer, stop.signal);
      const finished = toFinished(turn, done, answer.finishReason);
      const seq = await this.#record(finished);
      answer.finish({ ...finished, seq, createdAtMs: Date.now() });
    } catch (error) {
      const failed: FailedTurn = { turn, backend, error };
      const coded = await this.#failed.settle(failed);
      outcome = coded.code;
      answer.fail(coded);
    } finally {
      clearTimeout(timer);
      this.#running.delete(turn);
      if (this.#running.size === 0) this.#onIdle?.();
      metrics.turnEnded(outcome);
    }
  }

  /** Takes no more messages and waits for those under way, at most `deadlineMs`; then they fail. */
  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true;
    const idle = () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onIdle = resolve;
      return this.#running.size === 0 ? undefined : promise;
    };
    const timer = setTimeout(() => {
      for (const stop of this.#running.values()) stop.abort(routerError('SHUTTING_DOWN', {}, { retryAfterSeconds: 1 }));
    }, deadlineMs);
    await idle();
    clearTimeout(timer);
  }

  async #claim(claim: TurnClaim): Promise<ClaimedTurn | undefined> {
    try {
      return await this.#options.store.turns.claim(claim, Date.now());
    } catch (error) {
      void this.#failed.forgetClaim(claim);
      throw error;
    }
  }

  /** The turn that the key stands for; undefined when the session is free now. */
  async #recordedOrRefuse(claim: TurnClaim): Promise<Taken | undefined> {
    const { store, coordinator, metrics } = this.#options;
    const { sessionId: id, ownerKeyId, idempotencyKey, digest } = claim;
    const session = await store.sessions.find(ownerKeyId, id);
    if (session === undefined) throw routerError('UNKNOWN_SESSION', { id });
    const recorded = idempotencyKey === undefined ? undefined : await store.turns.findByKey(id, idempotencyKey);
    if (recorded) {
      if (recorded.digest !== digest) throw routerError('IDEMPOTENCY_MISMATCH', { id });
      metrics.turnEnded('replayed');
      return { recorded, model: session.model ?? session.agent };
    }
    const cutOffMs = coordinator.leaseCutOffMs(Date.now());
    const isLeaseHeld = cutOffMs === undefined || (await store.turns.isLeaseHeld(session, cutOffMs));
    const refusal = whyNotClaimed({ session, isLeaseHeld, idempotencyKey, digest });
    if (refusal instanceof CodedError) throw refusal;
    if (refusal === 'abandoned') await this.#failed.abandon(session);
    return undefined;
  }

  async #backendOf({ runnerId, sessionId: id }: Turn): Promise<RunnerBackend> {
    const backend = await this.#options.backends.of(runnerId);
    if (backend === undefined) throw routerError('RUNNER_LOST', { id, detail: 'it has left the fleet' });
    return backend;
  }

  async #converse(turn: Turn, backend: RunnerBackend, answer: TurnAnswer, signal: AbortSignal): Promise<TurnDone> {
    const { sessionId, turnId, content, startedAtMs } = turn;
    let isFirst = true;
    for await (const event of backend.sendMessage(sessionId, { turnId, content }, signal)) {
      if (isFirst) this.#options.metrics.firstEventAfter(performance.now() - startedAtMs);
      isFirst = false;
      if (event.object === 'fleet.turn') return event as TurnDone;
      answer.chunk(event);
    }
    throw routerError('RUNNER_LOST', { id: sessionId, detail: 'the answer ended before its last event' });
  }

  /** @throws TURN_SUPERSEDED when the session has moved on without this turn; STORE_UNAVAILABLE after 20 s of it */
  async #record(turn: FinishedTurn): Promise<number> {
    for (const deadline = performance.now() + recordPatienceMs; ; ) {
      try {
        const seq = await this.#options.store.turns.record(turn, Date.now());
        if (seq === undefined) throw routerError('TURN_SUPERSEDED', { id: turn.sessionId });
        return seq;
      } catch (error) {
        const isDown = error instanceof CodedError && error.code === 'STORE_UNAVAILABLE';
        if (!isDown || performance.now() > deadline) throw error;
        await delay(recordRetryMs);
      }
    }
  }

  #tooLong({ sessionId: id }: Turn): CodedError {
    return routerError('TURN_TIMEOUT', { id, limitSeconds: this.#options.turnTimeoutMs / 1_000 });
  }
}

function toFinished(turn: Turn, done: TurnDone, finishReason: string): FinishedTurn {
  return {
    sessionId: turn.sessionId,
    turnId: turn.turnId,
    placement: turn.placement,
    idempotencyKey: turn.idempotencyKey,
    digest: turn.digest,
    messages: [
      { role: 'user', content: turn.content },
      { role: 'assistant', content: done.message.content },
    ],
    agentState: done.state,
    finishReason,
    usage: done.usage,
  };
}
