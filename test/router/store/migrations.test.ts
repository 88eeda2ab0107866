import path from 'node:path';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { migrations } from '../../../runtime/router/store/migrations/index.ts';
import { nodeSqliteDialect, openSqlite } from '../../../runtime/router/store/node-sqlite-dialect.ts';
import { openPostgresPool } from '../../../runtime/router/store/postgres-pool.ts';
import type { StoreSchema } from '../../../runtime/router/store/schema.ts';
import { Store } from '../../../runtime/router/store/store.ts';
import { startStores, storeKinds } from '../../support/stores.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

test.each(storeKinds)('%s: sessions of a store that did not count them count after its migration', async (kind) => {
  await using stores = await startStores(kind);
  await using folder = await temporaryDirectory();
  const fresh = await stores.fresh();
  const options = kind === 'SQLite' ? { dataDir: folder.path } : fresh;
  const former = new Kysely<StoreSchema>({
    dialect:
      options.databaseUrl === undefined
        ? nodeSqliteDialect(openSqlite(path.join(folder.path, 'fleet.sqlite')))
        : new PostgresDialect({ pool: await openPostgresPool(options.databaseUrl, { onError: () => {} }) }),
  });
  const provider = { getMigrations: async () => ({ ...migrations }) };
  const { error } = await new Migrator({ db: former, provider }).migrateTo('002-sessions');
  expect(error).toBeUndefined();
  const rows = [
    ['s1', 'one', 'active'],
    ['s2', 'one', 'paused'],
    ['s3', 'one', 'ended'],
    ['s4', 'two', 'ended'],
  ];
  for (const [id, owner, status] of rows) {
    await sql`
      insert into sessions (id, owner_key_id, agent, settings, status, status_at_ms, last_active_at_ms, created_at_ms)
      values (${id}, ${owner}, 'chat', '{}', ${status}, 0, 0, 0)`.execute(former);
  }
  await former.destroy();

  const store = await Store.open(options);
  const insert = (id: string, ownerKeyId: string) =>
    store.sessions.insert({ id, ownerKeyId, agent: 'chat', model: null, settings: '{}', coordinator: 'c' }, 2, 1);
  expect(await insert('s5', 'one')).toBe(false);
  expect(await insert('s6', 'two')).toBe(true);
  await store.sessions.end('one', 's2', 2);
  expect(await insert('s7', 'one')).toBe(true);
  await store.close();
});
