import { sql } from 'kysely';
import type { Database } from './database.ts';
import type { PauseReason, SessionStatus } from './schema.ts';
import { noTurn, pausedFor } from './session-queries.ts';

/** A session that was paused or ended, and the runner that may still hold its sandbox. */
export interface ExpiredSession {
  readonly id: string;
  readonly last_runner_id: string | null;
}

/** How much one statement may delete. */
export interface DeletionLimits {
  readonly sessions: number;
  /** Sessions and their turns together; a single session may be more. */
  readonly rows: number;
}

const live: SessionStatus[] = ['starting', 'active'];

/** What time and the loss of runners and routers do to sessions: bulk updates that any coordinator may make at any time. */
export class SessionExpiryQueries {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** active → paused without a message since `cutOffMs`. */
  pauseIdle(cutOffMs: number, nowMs: number): Promise<ExpiredSession[]> {
    return this.#database.run((db) =>
      db
        .updateTable('sessions')
        .set(pausedFor('idle', nowMs))
        .where('status', '=', 'active')
        .where('turn_id', 'is', null)
        .where('last_active_at_ms', '<', cutOffMs)
        .returning(['id', 'last_runner_id'])
        .execute(),
    );
  }

  /** paused → ended when paused since before `cutOffMs`. @returns how many */
  async endPaused(cutOffMs: number, nowMs: number): Promise<number> {
    const { numUpdatedRows } = await this.#database.run((db) =>
      db
        .updateTable('sessions')
        .set({ ...noTurn, status: 'ended', status_at_ms: nowMs, pause_reason: null })
        .where('status', '=', 'paused')
        .where('status_at_ms', '<', cutOffMs)
        .executeTakeFirstOrThrow(),
    );
    return Number(numUpdatedRows);
  }

  /**
   * Deletes sessions that ended before `cutOffMs`, oldest first, with their turns: as many as the limits allow, in one
   * statement. @returns how many
   */
  async deleteEnded(cutOffMs: number, limits: DeletionLimits): Promise<number> {
    const { numAffectedRows = 0n } = await this.#database.run((db) =>
      sql`
        delete from sessions where id in (
          select id from (
            select id, sum(turn_count + 1) over (order by status_at_ms, id) - turn_count as first_row
            from (
              select id, turn_count, status_at_ms from sessions
              where status = 'ended' and status_at_ms < ${cutOffMs}
              order by status_at_ms limit ${sql.lit(limits.sessions)}
            ) as oldest
          ) as counted
          where first_row <= ${sql.lit(limits.rows)}
        )`.execute(db),
    );
    return Number(numAffectedRows);
  }

  /** To paused where the coordinator of the turn, or of the start, has not been seen since `cutOffMs`. */
  pauseAbandoned(cutOffMs: number, nowMs: number): Promise<ExpiredSession[]> {
    return this.#database.run((db) =>
      db
        .updateTable('sessions')
        .set(pausedFor('router-lost', nowMs))
        .where(({ eb, and, or }) =>
          or([eb('status', '=', 'starting'), and([eb('status', '=', 'active'), eb('turn_id', 'is not', null)])]),
        )
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('coordinators')
                .select('coordinators.id')
                .whereRef('coordinators.id', '=', 'sessions.turn_coordinator')
                .where('coordinators.last_seen_at_ms', '>=', cutOffMs),
            ),
          ),
        )
        .returning(['id', 'last_runner_id'])
        .execute(),
    );
  }

  /** starting → paused when the start began before `cutOffMs`. */
  pauseLongStarts(cutOffMs: number, nowMs: number): Promise<ExpiredSession[]> {
    return this.#database.run((db) =>
      db
        .updateTable('sessions')
        .set(pausedFor('router-lost', nowMs))
        .where('status', '=', 'starting')
        .where('status_at_ms', '<', cutOffMs)
        .returning(['id', 'last_runner_id'])
        .execute(),
    );
  }

  /** active or starting → paused where the runner is not in the store at all. @returns how many */
  async pauseOrphans(reason: PauseReason, nowMs: number): Promise<number> {
    const { numUpdatedRows } = await this.#database.run((db) =>
      db
        .updateTable('sessions')
        .set(pausedFor(reason, nowMs))
        .where('status', 'in', live)
        .where('runner_id', 'is not', null)
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom('runners').select('runners.id').whereRef('runners.id', '=', 'sessions.runner_id'))),
        )
        .executeTakeFirstOrThrow(),
    );
    return Number(numUpdatedRows);
  }

  /** active or starting → paused, all of a runner's at once. @returns how many */
  async pauseAllOf(runnerId: string, reason: PauseReason, nowMs: number): Promise<number> {
    const { numUpdatedRows } = await this.#database.run((db) =>
      db
        .updateTable('sessions')
        .set(pausedFor(reason, nowMs))
        .where('runner_id', '=', runnerId)
        .where('status', 'in', live)
        .executeTakeFirstOrThrow(),
    );
    return Number(numUpdatedRows);
  }

  /** `pauseAllOf` a dead runner: nothing when it has beaten since `cutOffMs` after all. */
  async pauseAllOfSilent(runnerId: string, cutOffMs: number, nowMs: number): Promise<number> {
    const { numUpdatedRows } = await this.#database.run((db) =>
      db
        .updateTable('sessions')
        .set(pausedFor('runner-lost', nowMs))
        .where('runner_id', '=', runnerId)
        .where('status', 'in', live)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('runners')
                .select('id')
                .where('id', '=', runnerId)
                .where('last_heartbeat_at_ms', '>=', cutOffMs),
            ),
          ),
        )
        .executeTakeFirstOrThrow(),
    );
    return Number(numUpdatedRows);
  }
}
