import type pg from 'pg';
import type { DatabasePassword } from './database-password.ts';

export interface PostgresPoolOptions {
  /** A connection that nobody used broke, as happens when the server stops; the next call finds out. */
  readonly onError: (error: Error) => void;
  /** @default - that of the URL */
  readonly password?: DatabasePassword;
}

const maxConnections = 10;
/** To get a connection, and for one statement, in ms: a database that hangs must not hang its callers. */
const connectTimeoutMs = 3_000;
const statementTimeoutMs = 5_000;
/** SQLSTATE: the password, or the whole of name and password, is wrong. */
const refused = new Set(['28P01', '28000']);
/** SQLSTATE: the server rejected the connection. It is one of those of a database that is down. */
const rejected = '08004';
/** Type of `bigint` and of `count(*)` in `pg_type`. */
const int8 = 20;

/** Connections to a Postgres that may go away and come back, and change its password, at any time. */
export async function openPostgresPool(url: string, options: PostgresPoolOptions): Promise<pg.Pool> {
  const { onError, password } = options;
  // Only where a database is configured: it costs 30 ms of start-up.
  const { default: driver } = await import('pg');
  const pool = new driver.Pool({
    connectionString: url,
    ...(password && { Client: clientWith(password, driver.Client) }),
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
        oid === int8 ? Number : driver.types.getTypeParser(oid, format)) as typeof driver.types.getTypeParser,
    },
  });
  // Without a listener the error of an idle connection would end the process,
  pool.on('error', onError);
  // and the pool listens to none that is in use: between two statements of one caller nobody would.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/**
 * A client that asks for the password at each connection, and takes a refusal as a sign that it has changed: it is then no
 * mistake of the options but a database that cannot be used for a moment.
 */
function clientWith(password: DatabasePassword, Client: typeof pg.Client): typeof pg.Client {
  return class extends Client {
    constructor(config?: pg.ClientConfig) {
      super(config);
      // Not by the config: there the URL wins, also with no password in it.
      Object.assign(this, { password: () => password.read() });
    }

    override connect(): Promise<pg.Client>;
    override connect(callback: (error: Error | null, client?: pg.Client) => void): void;
    override connect(callback?: (error: Error | null, client?: pg.Client) => void): Promise<pg.Client> | undefined {
      if (!callback) return super.connect();
      super.connect((error: Error | null) => callback(error && asOutage(error, password), this));
      return undefined;
    }
  };
}

function asOutage(error: Error, password: DatabasePassword): Error {
  if (!refused.has(String((error as { code?: unknown }).code))) return error;
  password.forget();
  return Object.assign(new Error('The database refused the password.', { cause: error }), { code: rejected });
}
