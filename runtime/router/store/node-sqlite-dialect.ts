import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { SqliteDialect } from 'kysely';

/** Different statements that are kept compiled; compiling costs as much as a small one takes to run. */
const maxStatements = 200;

/**
 * Lets Kysely speak to Node's own SQLite: its dialect wants an object with `close` and `prepare`, whose statements take
 * their parameters as one array.
 */
export function nodeSqliteDialect(database: DatabaseSync): SqliteDialect {
  const statements = new Map<string, StatementSync>();
  const compiled = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(sql);
    if (statements.size >= maxStatements) statements.delete(statements.keys().next().value!);
    statements.set(sql, statement);
    return statement;
  };
  return new SqliteDialect({
    database: {
      close: () => database.close(),
      prepare(sql: string) {
        // A commit for which the disk has no room has ended its transaction; Kysely rolls it back again, and the error of that
        // would hide the one that counts (sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction").
        if (sql === 'rollback' && !database.isTransaction) return compiledNothing;
        const statement = compiled(sql);
        return {
          reader: statement.columns().length > 0,
          all: (parameters: readonly unknown[]) => statement.all(...(parameters as string[])),
          run: (parameters: readonly unknown[]) => statement.run(...(parameters as string[])),
          iterate: (parameters: readonly unknown[]) =>
            statement.iterate(...(parameters as string[])) as IterableIterator<unknown>,
        };
      },
    },
  });
}

const compiledNothing = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [][Symbol.iterator](),
};

/** Opens a database file for one writer that may be killed at any moment. @param file path, or `:memory:` */
export function openSqlite(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  // WAL with NORMAL loses at most the last transactions on power loss, and none when only the process dies.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
  return database;
}
