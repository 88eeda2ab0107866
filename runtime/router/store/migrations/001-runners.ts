import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const runners: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('runners')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('host', 'text', (column) => column.notNull())
      .addColumn('port', 'integer', (column) => column.notNull())
      .addColumn('max_sandboxes', 'integer', (column) => column.notNull())
      .addColumn('engine_url', 'text')
      .addColumn('model', 'text')
      .addColumn('instance_id', 'text')
      .addColumn('version', 'text')
      .addColumn('active_count', 'integer', (column) => column.notNull().defaultTo(0))
      .addColumn('warming_count', 'integer', (column) => column.notNull().defaultTo(0))
      .addColumn('registered_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('last_heartbeat_at_ms', 'bigint', (column) => column.notNull())
      .execute();
    await db.schema.createIndex('runners_by_heartbeat').on('runners').column('last_heartbeat_at_ms').execute();
  },
};
