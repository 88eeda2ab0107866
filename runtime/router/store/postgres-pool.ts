import type { Pool } from 'pg';

const maxConnections = 10;
/** To get a connection, and for one statement, in ms: a database that hangs must not hang its callers. */
const connectTimeoutMs = 3_000;
const statementTimeoutMs = 5_000;
/** Type of `bigint` and of `count(*)` in `pg_type`. */
const int8 = 20;

/**
 * Connections to a Postgres that may go away and come back at any time.
 * @param onError a connection that nobody used broke, as happens when the server stops; the next call finds out
 */
export async function openPostgresPool(url: string, onError: (error: Error) => void): Promise<Pool> {
  // Only where a database is configured: it costs 30 ms of start-up.
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'sglang-fleet-router',
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    // The client's own limit, for a server that no longer answers at all.
    query_timeout: statementTimeoutMs + 1_000,
    keepAlive: true,
    types: {
      // Times and counts are exact as numbers; the driver makes text of 64-bit integers.
      getTypeParser: ((oid: number, format?: 'text') =>
        oid === int8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  });
  // Without a listener the error of an idle connection would end the process,
  pool.on('error', onError);
  // and the pool listens to none that is in use: between two statements of one caller nobody would.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}
