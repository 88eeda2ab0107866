import type { DatabaseOptions } from '../../runtime/router/store/database.ts';
import { StartedPostgres } from './started-postgres.ts';

export type StoreKind = 'SQLite' | 'Postgres';

/** The two databases on which the same statements must do the same: `describe.each(storeKinds)`. */
export const storeKinds: readonly StoreKind[] = ['SQLite', 'Postgres'];

/** Empty databases of one kind, for the tests of a suite. */
export interface StoreFactory extends AsyncDisposable {
  /** How to open a new, empty database. */
  fresh(): Promise<Pick<DatabaseOptions, 'dataDir' | 'databaseUrl'>>;
}

export async function startStores(kind: StoreKind): Promise<StoreFactory> {
  if (kind === 'SQLite') return { fresh: async () => ({}), [Symbol.asyncDispose]: async () => {} };
  const postgres = await StartedPostgres.start();
  return {
    fresh: async () => ({ databaseUrl: await postgres.createDatabase() }),
    [Symbol.asyncDispose]: () => postgres[Symbol.asyncDispose](),
  };
}
