import { types } from 'node:util';

/**
 * What a failed statement means: `down`, the database cannot be used now; `conflict`, it took back a transaction that
 * was in another one's way, to be tried again; `mistake`, the statement itself is wrong.
 */
export type StoreFailure = 'down' | 'conflict' | 'mistake';

/** Primary result codes of SQLite: busy, locked, read-only (as a failing disk becomes), I/O error, disk full, cannot open. */
const sqliteDown = new Set([5, 6, 8, 10, 13, 14]);
/** SQLSTATE classes of Postgres: connection exceptions, insufficient resources, operator intervention. */
const postgresDown = /^(08|53|57)/;
/** Serialization failure, deadlock, lock not available. */
const postgresConflicts = new Set(['40001', '40P01', '55P03']);
/** Codes of Node for sockets and names. */
const network = /^(ECONN|ENOTFOUND|EAI_|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOENT|EADDRNOTAVAIL)/;
/** The driver has no codes for its own failures. */
const driverDown = /connection (terminated|timeout|error|ended)|timeout|not queryable|Cannot use a pool/i;

export function storeFailure(error: unknown): StoreFailure {
  if (!types.isNativeError(error)) return 'mistake';
  const { errors } = error as Partial<AggregateError>;
  if (errors?.length) return storeFailure(errors[0]);
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (code === 'ERR_SQLITE_ERROR') return sqliteDown.has(Number(errcode) & 0xff) ? 'down' : 'mistake';
  if (typeof code === 'string') {
    if (postgresConflicts.has(code)) return 'conflict';
    return postgresDown.test(code) || network.test(code) ? 'down' : 'mistake';
  }
  return driverDown.test(error.message) ? 'down' : 'mistake';
}
