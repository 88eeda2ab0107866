import { sql } from 'kysely';
import type { Database } from './database.ts';

/** Which sandboxes the store knows a use for. */
export class ClaimQueries {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Runners that said they have more sandboxes with a session than the store has sessions there: one query for all. */
  async runnersWithTooMany(): Promise<string[]> {
    const statement = sql<{ id: string }>`
      select runners.id from runners
      left join (
        select runner_id, count(*) as sessions from sessions where runner_id is not null group by runner_id
      ) as held on held.runner_id = runners.id
      where runners.active_count > coalesce(held.sessions, 0)
      order by runners.id`;
    const { rows } = await this.#database.run((db) => statement.execute(db));
    return rows.map(({ id }) => id);
  }

  /** Which of the sandboxes on a runner belong to sessions of this store that are not there, or not active at all. */
  async unclaimed(runnerId: string, sessionIds: readonly string[]): Promise<string[]> {
    if (sessionIds.length === 0) return [];
    const rows = await this.#database.run((db) =>
      db
        .selectFrom('sessions')
        .select('id')
        .where('id', 'in', [...sessionIds])
        .where(({ eb, or }) => or([eb('runner_id', 'is', null), eb('runner_id', '<>', runnerId)]))
        .execute(),
    );
    return rows.map(({ id }) => id);
  }
}
