import type { ExpressionBuilder, Selectable } from 'kysely';
import type { Database } from './database.ts';
import { insertIfBelow, type NewSession } from './insert-session.ts';
import { type Placement, type PlacementRequest, placeSession } from './place-session.ts';
import type { PauseReason, SessionStatus, SessionsTable, StoreSchema } from './schema.ts';

/** A session without its agent's state, which may be large and is only needed to restore it. */
export type SessionRow = Omit<Selectable<SessionsTable>, 'agent_state'>;

/** One attempt to give a session a sandbox. */
export interface SessionStart {
  readonly id: string;
  /** Lease of the coordinator that makes it. */
  readonly coordinator: string;
  readonly beganAtMs: number;
}

/** A place in a list that is sorted from new to old. */
export interface ListPosition {
  readonly createdAtMs: number;
  readonly id: string;
}

export interface SessionListing {
  readonly ownerKeyId: string;
  readonly status?: SessionStatus | undefined;
  /** Only what is older. */
  readonly after?: ListPosition | undefined;
  readonly limit: number;
}

const columns = [
  'id',
  'owner_key_id',
  'agent',
  'model',
  'settings',
  'status',
  'status_at_ms',
  'pause_reason',
  'runner_id',
  'last_runner_id',
  'placement',
  'placed_at_ms',
  'turn_count',
  'last_active_at_ms',
  'created_at_ms',
  'turn_id',
  'turn_coordinator',
  'turn_key',
  'turn_digest',
] as const satisfies readonly (keyof SessionRow)[];

export const noTurn = { turn_id: null, turn_coordinator: null, turn_key: null, turn_digest: null };

/** What a session is set to when it loses its sandbox. Without its turn, what that turn still brings does not count. */
export function pausedFor(reason: PauseReason, nowMs: number) {
  return (expression: ExpressionBuilder<StoreSchema, 'sessions'>) => ({
    ...noTurn,
    status: 'paused' as const,
    status_at_ms: nowMs,
    pause_reason: reason,
    last_runner_id: expression.ref('runner_id'),
    runner_id: null,
  });
}

/**
 * One session at a time. What changes a session names the state it must be in, so that of two callers, in this process or
 * another, one succeeds.
 */
export class SessionQueries {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns false when the owner has `maxLive` sessions that have not ended */
  async insert(session: NewSession, maxLive: number, nowMs: number): Promise<boolean> {
    const limit = Math.min(maxLive, Number.MAX_SAFE_INTEGER);
    const { isShared } = this.#database;
    const { numInsertedOrUpdatedRows = 0n } = await this.#database.run((db) =>
      insertIfBelow(db, session, { limit, isShared, nowMs }).executeTakeFirst(),
    );
    return numInsertedOrUpdatedRows > 0n;
  }

  /** @returns undefined when there is none, or it is another key's */
  find(ownerKeyId: string, id: string): Promise<SessionRow | undefined> {
    return this.#database.run((db) =>
      db
        .selectFrom('sessions')
        .select(columns)
        .where('id', '=', id)
        .where('owner_key_id', '=', ownerKeyId)
        .executeTakeFirst(),
    );
  }

  /** From new to old. */
  list({ ownerKeyId, status, after, limit }: SessionListing): Promise<SessionRow[]> {
    return this.#database.run((db) => {
      let query = db.selectFrom('sessions').select(columns).where('owner_key_id', '=', ownerKeyId);
      if (status !== undefined) query = query.where('status', '=', status);
      if (after !== undefined) {
        query = query.where(({ eb, and, or }) =>
          or([
            eb('created_at_ms', '<', after.createdAtMs),
            and([eb('created_at_ms', '=', after.createdAtMs), eb('id', '<', after.id)]),
          ]),
        );
      }
      return query.orderBy('created_at_ms', 'desc').orderBy('id', 'desc').limit(limit).execute();
    });
  }

  /** Removes a session that never came to be. */
  async deleteUnstarted(id: string): Promise<void> {
    await this.#database.run((db) =>
      db
        .deleteFrom('sessions')
        .where('id', '=', id)
        .where('status', '=', 'starting')
        .where('turn_count', '=', 0)
        .execute(),
    );
  }

  /** paused → starting. @returns undefined when it is not paused */
  beginStart(ownerKeyId: string, { id, coordinator, beganAtMs }: SessionStart): Promise<SessionRow | undefined> {
    return this.#database.run((db) =>
      db
        .updateTable('sessions')
        .set({ status: 'starting', status_at_ms: beganAtMs, pause_reason: null, turn_coordinator: coordinator })
        .where('id', '=', id)
        .where('owner_key_id', '=', ownerKeyId)
        .where('status', '=', 'paused')
        .returning(columns)
        .executeTakeFirst(),
    );
  }

  /** See placeSession. */
  place(request: PlacementRequest): Promise<Placement | undefined> {
    return this.#database.run((db) => placeSession(db, request));
  }

  /** starting → active. @returns undefined when its start no longer counts */
  activate(id: string, placement: number, nowMs: number): Promise<SessionRow | undefined> {
    return this.#database.run((db) =>
      db
        .updateTable('sessions')
        .set({ ...noTurn, status: 'active', status_at_ms: nowMs, last_active_at_ms: nowMs })
        .where('id', '=', id)
        .where('status', '=', 'starting')
        .where('placement', '=', placement)
        .returning(columns)
        .executeTakeFirst(),
    );
  }

  /** starting → paused, for a start that failed; nothing when the session is not in that start. */
  async abandonStart({ id, coordinator, beganAtMs }: SessionStart, nowMs: number): Promise<void> {
    await this.#database.run((db) =>
      db
        .updateTable('sessions')
        .set(pausedFor('start-failed', nowMs))
        .where('id', '=', id)
        .where('status', '=', 'starting')
        .where('turn_coordinator', '=', coordinator)
        .where('status_at_ms', '=', beganAtMs)
        .execute(),
    );
  }

  /** active → paused, when nobody's turn is under way. @returns undefined otherwise */
  pause(ownerKeyId: string, id: string, nowMs: number): Promise<SessionRow | undefined> {
    return this.#database.run((db) =>
      db
        .updateTable('sessions')
        .set(pausedFor('requested', nowMs))
        .where('id', '=', id)
        .where('owner_key_id', '=', ownerKeyId)
        .where('status', '=', 'active')
        .where('turn_id', 'is', null)
        .returning(columns)
        .executeTakeFirst(),
    );
  }

  /** active → paused, for one placement: its runner is lost or its sandbox in doubt. @returns whether it was so */
  async pausePlacement(id: string, placement: number, reason: PauseReason, nowMs: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#database.run((db) =>
      db
        .updateTable('sessions')
        .set(pausedFor(reason, nowMs))
        .where('id', '=', id)
        .where('placement', '=', placement)
        .where('status', '=', 'active')
        .executeTakeFirstOrThrow(),
    );
    return numUpdatedRows > 0n;
  }

  /** Whether the session is on that runner in a later placement. */
  async isPlacedAgain(id: string, runnerId: string, placement: number): Promise<boolean> {
    const row = await this.#database.run((db) =>
      db
        .selectFrom('sessions')
        .select('id')
        .where('id', '=', id)
        .where('runner_id', '=', runnerId)
        .where('placement', '>', placement)
        .executeTakeFirst(),
    );
    return row !== undefined;
  }

  /** Anything → ended. @returns undefined when it has ended already or is another key's */
  end(ownerKeyId: string, id: string, nowMs: number): Promise<SessionRow | undefined> {
    return this.#database.run((db) =>
      db
        .updateTable('sessions')
        .set((expression) => ({
          ...noTurn,
          status: 'ended',
          status_at_ms: nowMs,
          pause_reason: null,
          last_runner_id: expression.fn.coalesce('runner_id', 'last_runner_id'),
          runner_id: null,
        }))
        .where('id', '=', id)
        .where('owner_key_id', '=', ownerKeyId)
        .where('status', '<>', 'ended')
        .returning(columns)
        .executeTakeFirst(),
    );
  }
}
