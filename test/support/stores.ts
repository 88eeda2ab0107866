import type { DatabaseOptions } from '../../runtime/router/store/database.ts';
import { Store } from '../../runtime/router/store/store.ts';
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

/** What the tests of one suite have in their hooks' hands. */
export interface StoreOfTests {
  readonly stores: StoreFactory;
  /** New and empty for each test. */
  readonly store: Store;
  /** Those of this test so far, but for the migrations. */
  readonly statements: string[];
}

/** Gives each test of the suite a store of this kind. Called in the suite's body. */
export function storeOfEachTest(kind: StoreKind): StoreOfTests {
  let stores: StoreFactory;
  let store: Store;
  const statements: string[] = [];
  beforeAll(async () => {
    stores = await startStores(kind);
  });
  afterAll(() => stores[Symbol.asyncDispose]());
  beforeEach(async () => {
    store = await Store.open({ ...(await stores.fresh()), onStatement: (sql) => statements.push(sql) });
    statements.length = 0;
  });
  afterEach(() => store.close());
  return {
    get stores() {
      return stores;
    },
    get store() {
      return store;
    },
    statements,
  };
}
