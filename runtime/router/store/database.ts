import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import { type CodedError, describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { SecretLoader } from '../../shared/secrets-manager.ts';
import { routerError } from '../errors.ts';
import { DatabasePassword } from './database-password.ts';
import { migrations } from './migrations/index.ts';
import { nodeSqliteDialect, openSqlite } from './node-sqlite-dialect.ts';
import { openPostgresPool } from './postgres-pool.ts';
import type { StoreSchema } from './schema.ts';
import { storeFailure } from './store-failure.ts';

export interface DatabaseOptions {
  /**
   * Folder of the embedded database, made for its owner alone when missing; undefined keeps everything in memory.
   */
  readonly dataDir?: string | undefined;
  /** A Postgres that several routers share, instead of the embedded database. */
  readonly databaseUrl?: string | undefined;
  /** Secret with its password, instead of one in the URL. */
  readonly databaseSecret?: string | undefined;
  /** Reads that secret; needed with one. */
  readonly loadSecret?: SecretLoader;
  readonly log?: Logger;
  /** Sees every statement; tests count them. */
  readonly onStatement?: (sql: string) => void;
  /** Wall clock in ms. @default Date.now */
  readonly now?: () => number;
}

export type Queries = Kysely<StoreSchema> | Transaction<StoreSchema>;

/** While the database is down it is looked at this often, in ms. */
const watchIntervalMs = 500;
const retryAfterSeconds = 2;
const maxConflicts = 5;

/**
 * The database and whether it can be used. A Postgres that is down, at the start or later, makes every call fail at once
 * with STORE_UNAVAILABLE; it is looked at until it is back, and migrated before its first use.
 */
export class Database {
  /** Other routers may use it at the same time. */
  readonly isShared: boolean;
  readonly #db: Kysely<StoreSchema>;
  readonly #log: Logger | undefined;
  readonly #now: () => number;
  #isMigrated = false;
  #isAvailable = true;
  #availableSinceMs: number;
  /** Since when it is unavailable, and what was refused since. */
  #outage = { sinceMs: 0, refusedCalls: 0 };
  #watch: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @throws when the embedded database cannot be opened or migrated; never because a Postgres is down */
  static async open(options: DatabaseOptions): Promise<Database> {
    if (options.databaseUrl === undefined) return await Database.#openEmbedded(options);
    const { databaseUrl: url, databaseSecret: secretId, loadSecret } = options;
    const pool = await openPostgresPool(url, {
      onError: (error) => options.log?.warn('idle database connection lost', { detail: describeError(error) }),
      ...(secretId !== undefined && loadSecret && { password: new DatabasePassword(secretId, loadSecret) }),
    });
    const database = new Database(
      new Kysely({ dialect: new PostgresDialect({ pool }), ...logTo(options) }),
      true,
      options,
    );
    await database
      .run(async () => {})
      .catch((error: unknown) => {
        if (database.#isAvailable) throw error;
      });
    return database;
  }

  static async #openEmbedded(options: DatabaseOptions): Promise<Database> {
    const { dataDir } = options;
    if (dataDir !== undefined) await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const file = dataDir === undefined ? ':memory:' : path.join(dataDir, 'fleet.sqlite');
    const db = new Kysely<StoreSchema>({ dialect: nodeSqliteDialect(openSqlite(file)), ...logTo(options) });
    const database = new Database(db, false, options);
    try {
      await database.#migrate();
    } catch (error) {
      throw new Error(`The database ${file} could not be migrated.`, { cause: error });
    }
    return database;
  }

  private constructor(db: Kysely<StoreSchema>, isShared: boolean, { log, now = Date.now }: DatabaseOptions) {
    this.#db = db;
    this.isShared = isShared;
    this.#log = log;
    this.#now = now;
    this.#availableSinceMs = now();
  }

  get isAvailable(): boolean {
    return this.#isAvailable;
  }

  /** Wall clock ms since when it can be used without a break: what it says of others' heartbeats is worth no more. */
  get availableSinceMs(): number {
    return this.#availableSinceMs;
  }

  /**
   * Runs statements; again when they were in the way of others, so they must leave nothing behind when they fail.
   * @throws STORE_UNAVAILABLE while the database is down
   */
  async run<T>(work: (db: Kysely<StoreSchema>) => Promise<T>): Promise<T> {
    if (!this.#isAvailable) throw this.#refusal();
    for (let conflicts = 0; ; conflicts++) {
      try {
        if (!this.#isMigrated) await this.#migrate();
        return await work(this.#db);
      } catch (error) {
        const failure = storeFailure(error);
        if (failure === 'conflict' && conflicts < maxConflicts) continue;
        if (failure === 'mistake') throw error;
        this.#noteFailure(error);
        throw this.#refusal(error);
      }
    }
  }

  /** `run` in one transaction. */
  transaction<T>(work: (transaction: Transaction<StoreSchema>) => Promise<T>): Promise<T> {
    return this.run((db) => db.transaction().execute(work));
  }

  /** The database failed a call or a connection: every call fails from now on until it answers again. */
  #noteFailure(error: unknown): void {
    if (!this.#isAvailable || this.#isClosed) return;
    this.#isAvailable = false;
    this.#outage = { sinceMs: this.#now(), refusedCalls: 0 };
    this.#log?.error('store unavailable', { detail: describeError(error) });
    this.#planLook();
  }

  #refusal(cause?: unknown): CodedError {
    this.#outage.refusedCalls++;
    return routerError('STORE_UNAVAILABLE', { retryAfterSeconds }, { cause, retryAfterSeconds });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#watch);
    await this.#db.destroy();
  }

  #planLook(): void {
    this.#watch = setTimeout(() => void this.#look(), watchIntervalMs).unref();
  }

  async #look(): Promise<void> {
    try {
      if (!this.#isMigrated) await this.#migrate();
      await this.#tryOut();
    } catch (error) {
      if (this.#isClosed) return;
      this.#log?.debug('store still unavailable', { detail: describeError(error) });
      this.#planLook();
      return;
    }
    if (this.#isClosed) return;
    this.#isAvailable = true;
    this.#availableSinceMs = this.#now();
    const { sinceMs, refusedCalls } = this.#outage;
    this.#log?.info('store available again', { afterMs: this.#now() - sinceMs, refusedCalls });
  }

  /** @throws while it cannot be used */
  async #tryOut(): Promise<void> {
    // An embedded database whose disk is full still reads: only a write tells. This one changes nothing.
    const probe = this.isShared ? sql`select 1` : sql`pragma user_version = 0`;
    await probe.execute(this.#db);
  }

  /** Safe while other routers do the same: the migrator takes a lock in Postgres. */
  async #migrate(): Promise<void> {
    const provider = { getMigrations: async () => ({ ...migrations }) };
    const { error } = await new Migrator({ db: this.#db, provider }).migrateToLatest();
    if (error) throw error;
    this.#isMigrated = true;
  }
}

function logTo({ onStatement }: DatabaseOptions) {
  return onStatement && { log: ({ query }: { query: { sql: string } }) => onStatement(query.sql) };
}
