import type { TranscriptMessage, TurnUsage } from '../../shared/sandbox-protocol.ts';
import type { Database, Queries } from './database.ts';
import { noTurn, type SessionRow } from './session-queries.ts';

/** One message that is to be answered. */
export interface TurnClaim {
  readonly sessionId: string;
  readonly ownerKeyId: string;
  readonly turnId: string;
  /** Lease of the coordinator that answers it. */
  readonly coordinator: string;
  readonly idempotencyKey: string | undefined;
  /** SHA-256 of what was asked. */
  readonly digest: string;
}

/** Where the message goes. */
export interface ClaimedTurn {
  readonly runnerId: string;
  readonly placement: number;
  readonly agent: string;
  readonly model: string | null;
}

export interface FinishedTurn {
  readonly sessionId: string;
  readonly turnId: string;
  /** The turn counts only for this placement. */
  readonly placement: number;
  readonly idempotencyKey: string | undefined;
  readonly digest: string;
  /** The question and its answer. */
  readonly messages: readonly TranscriptMessage[];
  /** Any JSON. */
  readonly agentState: unknown;
  readonly finishReason: string;
  readonly usage: TurnUsage | null;
}

export interface RecordedTurn {
  readonly seq: number;
  readonly turnId: string;
  readonly digest: string;
  readonly messages: readonly TranscriptMessage[];
  readonly finishReason: string;
  readonly usage: TurnUsage | null;
  readonly createdAtMs: number;
}

/** Turns: at most one at a time in a session, each recorded once and whole. */
export class TurnQueries {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Takes the session for one turn, in one statement: all that stands between a message and its runner.
   * @returns undefined when the session is not active, another turn has it, or the turn is recorded already
   */
  async claim(turn: TurnClaim, nowMs: number): Promise<ClaimedTurn | undefined> {
    const { idempotencyKey = null } = turn;
    const row = await this.#database.run((db) => {
      let query = db
        .updateTable('sessions')
        .set({
          turn_id: turn.turnId,
          turn_coordinator: turn.coordinator,
          turn_key: idempotencyKey,
          turn_digest: turn.digest,
          last_active_at_ms: nowMs,
        })
        .where('id', '=', turn.sessionId)
        .where('owner_key_id', '=', turn.ownerKeyId)
        .where('status', '=', 'active')
        .where('turn_id', 'is', null);
      if (idempotencyKey !== null) {
        query = query.where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('turns')
                .select('turns.seq')
                .where('turns.session_id', '=', turn.sessionId)
                .where('turns.idempotency_key', '=', idempotencyKey),
            ),
          ),
        );
      }
      return query.returning(['runner_id', 'placement', 'agent', 'model']).executeTakeFirst();
    });
    return row && { runnerId: row.runner_id!, placement: row.placement, agent: row.agent, model: row.model };
  }

  /**
   * Records a turn with its messages and the agent's state, in one transaction, and frees the session. May be repeated
   * when the outcome is not known.
   * @returns its number; undefined when it no longer counts: the session was paused, moved or ended meanwhile
   */
  record(turn: FinishedTurn, nowMs: number): Promise<number | undefined> {
    return this.#database.transaction(async (db) => {
      const session = await db
        .updateTable('sessions')
        .set((expression) => ({
          ...noTurn,
          turn_count: expression('turn_count', '+', 1),
          agent_state: JSON.stringify(turn.agentState ?? null),
          last_active_at_ms: nowMs,
        }))
        .where('id', '=', turn.sessionId)
        .where('status', '=', 'active')
        .where('placement', '=', turn.placement)
        .where('turn_id', '=', turn.turnId)
        .returning('turn_count')
        .executeTakeFirst();
      if (session === undefined) return await findSeq(db, turn);
      await db
        .insertInto('turns')
        .values({
          session_id: turn.sessionId,
          seq: session.turn_count,
          turn_id: turn.turnId,
          idempotency_key: turn.idempotencyKey ?? null,
          digest: turn.digest,
          messages: JSON.stringify(turn.messages),
          finish_reason: turn.finishReason,
          usage: turn.usage && JSON.stringify(turn.usage),
          created_at_ms: nowMs,
        })
        .execute();
      return session.turn_count;
    });
  }

  /** Frees the session of a turn that came to nothing and left no trace in its sandbox. */
  async release(sessionId: string, turnId: string): Promise<void> {
    await this.#database.run((db) =>
      db.updateTable('sessions').set(noTurn).where('id', '=', sessionId).where('turn_id', '=', turnId).execute(),
    );
  }

  async findByKey(sessionId: string, idempotencyKey: string): Promise<RecordedTurn | undefined> {
    const row = await this.#database.run((db) =>
      db
        .selectFrom('turns')
        .selectAll()
        .where('session_id', '=', sessionId)
        .where('idempotency_key', '=', idempotencyKey)
        .executeTakeFirst(),
    );
    return row && toTurn(row);
  }

  /** In order. */
  async list(sessionId: string): Promise<RecordedTurn[]> {
    const rows = await this.#database.run((db) =>
      db.selectFrom('turns').selectAll().where('session_id', '=', sessionId).orderBy('seq').execute(),
    );
    return rows.map(toTurn);
  }

  /** What the agent saved with the last recorded turn; null when nothing. */
  async agentState(sessionId: string): Promise<unknown> {
    const row = await this.#database.run((db) =>
      db.selectFrom('sessions').select('agent_state').where('id', '=', sessionId).executeTakeFirst(),
    );
    return row?.agent_state == null ? null : JSON.parse(row.agent_state);
  }

  /** Whether the coordinator of the session's turn was seen since `cutOffMs`. */
  async isLeaseHeld(session: Pick<SessionRow, 'turn_coordinator'>, cutOffMs: number): Promise<boolean> {
    const row = await this.#database.run((db) =>
      db
        .selectFrom('coordinators')
        .select('id')
        .where('id', '=', session.turn_coordinator)
        .where('last_seen_at_ms', '>=', cutOffMs)
        .executeTakeFirst(),
    );
    return row !== undefined;
  }
}

async function findSeq(db: Queries, { sessionId, turnId }: FinishedTurn): Promise<number | undefined> {
  const row = await db
    .selectFrom('turns')
    .select('seq')
    .where('session_id', '=', sessionId)
    .where('turn_id', '=', turnId)
    .executeTakeFirst();
  return row?.seq;
}

interface TurnRow {
  readonly seq: number;
  readonly turn_id: string;
  readonly digest: string;
  readonly messages: string;
  readonly finish_reason: string;
  readonly usage: string | null;
  readonly created_at_ms: number;
}

function toTurn(row: TurnRow): RecordedTurn {
  return {
    seq: row.seq,
    turnId: row.turn_id,
    digest: row.digest,
    messages: JSON.parse(row.messages) as TranscriptMessage[],
    finishReason: row.finish_reason,
    usage: row.usage === null ? null : (JSON.parse(row.usage) as TurnUsage),
    createdAtMs: row.created_at_ms,
  };
}
