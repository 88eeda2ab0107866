import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const sessions: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('runners').addColumn('engine_state', 'text').execute();
    await db.schema
      .createTable('sessions')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('owner_key_id', 'text', (column) => column.notNull())
      .addColumn('agent', 'text', (column) => column.notNull())
      .addColumn('model', 'text')
      .addColumn('settings', 'text', (column) => column.notNull())
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('status_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('pause_reason', 'text')
      .addColumn('runner_id', 'text')
      .addColumn('last_runner_id', 'text')
      .addColumn('placement', 'integer', (column) => column.notNull().defaultTo(0))
      .addColumn('placed_at_ms', 'bigint')
      .addColumn('agent_state', 'text')
      .addColumn('turn_count', 'integer', (column) => column.notNull().defaultTo(0))
      .addColumn('last_active_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('turn_id', 'text')
      .addColumn('turn_coordinator', 'text')
      .addColumn('turn_key', 'text')
      .addColumn('turn_digest', 'text')
      .execute();
    const index = (name: string) => db.schema.createIndex(name).on('sessions');
    await index('sessions_by_owner').columns(['owner_key_id', 'created_at_ms', 'id']).execute();
    await index('sessions_by_runner').columns(['runner_id', 'placed_at_ms']).execute();
    await index('sessions_by_status').columns(['status', 'status_at_ms']).execute();
    await db.schema
      .createTable('turns')
      .addColumn('session_id', 'text', (column) => column.notNull().references('sessions.id').onDelete('cascade'))
      .addColumn('seq', 'integer', (column) => column.notNull())
      .addColumn('turn_id', 'text', (column) => column.notNull())
      .addColumn('idempotency_key', 'text')
      .addColumn('digest', 'text', (column) => column.notNull())
      .addColumn('messages', 'text', (column) => column.notNull())
      .addColumn('finish_reason', 'text', (column) => column.notNull())
      .addColumn('usage', 'text')
      .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('turns_in_order', ['session_id', 'seq'])
      .addUniqueConstraint('turns_by_key', ['session_id', 'idempotency_key'])
      .execute();
    await db.schema
      .createTable('coordinators')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('last_seen_at_ms', 'bigint', (column) => column.notNull())
      .execute();
  },
};
