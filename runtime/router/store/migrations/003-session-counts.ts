import { type Kysely, PostgresAdapter, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Counts the sessions of each key that have not ended, whoever changes them, and finds those of a runner by their state.
 * Both were counts over rows, for each new session.
 */
export const sessionCounts: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('session_counts')
      .addColumn('owner_key_id', 'text', (column) => column.primaryKey())
      .addColumn('live_count', 'integer', (column) => column.notNull())
      .execute();
    const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter;
    // First the triggers: they lock the table, so that no session of another router comes between them and the count.
    for (const statement of isPostgres ? postgresTriggers : sqliteTriggers) await sql.raw(statement).execute(db);
    await sql`
      insert into session_counts (owner_key_id, live_count)
      select owner_key_id, count(*) from sessions where status <> 'ended' group by owner_key_id`.execute(db);
    await db.schema.dropIndex('sessions_by_runner').execute();
    await db.schema
      .createIndex('sessions_on_runner')
      .on('sessions')
      .columns(['runner_id', 'status', 'placed_at_ms'])
      .execute();
  },
};

const add = (owner: string) =>
  `insert into session_counts (owner_key_id, live_count) values (${owner}, 1)
    on conflict (owner_key_id) do update set live_count = session_counts.live_count + 1;`;
const subtract = (owner: string) =>
  `update session_counts set live_count = live_count - 1 where owner_key_id = ${owner};`;

const began = "new.status <> 'ended'";
const ended = "old.status <> 'ended' and new.status = 'ended'";
const vanished = "old.status <> 'ended'";

const sqliteTriggers = [
  `create trigger sessions_began after insert on sessions when ${began} begin ${add('new.owner_key_id')} end`,
  `create trigger sessions_ended after update of status on sessions when ${ended} begin ${subtract('new.owner_key_id')} end`,
  `create trigger sessions_vanished after delete on sessions when ${vanished} begin ${subtract('old.owner_key_id')} end`,
];

const postgresTriggers = [
  `create function count_session() returns trigger language plpgsql as $$ begin ${add('new.owner_key_id')} return null; end $$`,
  `create function uncount_session() returns trigger language plpgsql as $$ begin ${subtract('old.owner_key_id')} return null; end $$`,
  `create trigger sessions_began after insert on sessions for each row when (${began}) execute function count_session()`,
  `create trigger sessions_ended after update of status on sessions for each row when (${ended}) execute function uncount_session()`,
  `create trigger sessions_vanished after delete on sessions for each row when (${vanished}) execute function uncount_session()`,
];
