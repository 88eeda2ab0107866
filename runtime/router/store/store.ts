import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { RunnerHeartbeat, RunnerRegistration } from '../../shared/protocol.ts';
import { migrations } from './migrations/index.ts';
import { nodeSqliteDialect, openSqlite } from './node-sqlite-dialect.ts';
import type { StoreSchema } from './schema.ts';

/** A runner as the store remembers it across restarts of the router. */
export interface StoredRunner {
  readonly registration: RunnerRegistration;
  readonly lastHeartbeatAtMs: number;
}

/** The coordinator's database. Every statement is idempotent; times are wall clock ms and come from the caller. */
export class Store {
  readonly #db: Kysely<StoreSchema>;

  private constructor(db: Kysely<StoreSchema>) {
    this.#db = db;
  }

  /**
   * Opens and migrates the embedded database.
   * @param dataDir folder that is made, for its owner alone, when missing; undefined keeps everything in memory
   */
  static async open(dataDir: string | undefined): Promise<Store> {
    if (dataDir !== undefined) await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const file = dataDir === undefined ? ':memory:' : path.join(dataDir, 'fleet.sqlite');
    const db = new Kysely<StoreSchema>({ dialect: nodeSqliteDialect(openSqlite(file)) });
    const provider = { getMigrations: async () => ({ ...migrations }) };
    const { error } = await new Migrator({ db, provider }).migrateToLatest();
    if (error) throw new Error(`The database ${file} could not be migrated.`, { cause: error });
    return new Store(db);
  }

  async saveRunner(runner: RunnerRegistration, nowMs: number): Promise<void> {
    const row = {
      host: runner.host,
      port: runner.port,
      max_sandboxes: runner.maxSandboxes,
      engine_url: runner.engineUrl ?? null,
      model: runner.model ?? null,
      instance_id: runner.instanceId ?? null,
      version: runner.version ?? null,
      registered_at_ms: nowMs,
      last_heartbeat_at_ms: nowMs,
    };
    await this.#db
      .insertInto('runners')
      .values({ id: runner.runnerId, ...row })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
      .execute();
  }

  /** @returns false when the runner is not in the store */
  async saveHeartbeat(heartbeat: RunnerHeartbeat, nowMs: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('runners')
      .set({
        active_count: heartbeat.activeCount,
        warming_count: heartbeat.warmingCount,
        last_heartbeat_at_ms: nowMs,
      })
      .where('id', '=', heartbeat.runnerId)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  async deleteRunner(runnerId: string): Promise<void> {
    await this.#db.deleteFrom('runners').where('id', '=', runnerId).execute();
  }

  /** Runners with a heartbeat at or after `cutOffMs`. */
  async runnersAliveSince(cutOffMs: number): Promise<StoredRunner[]> {
    const rows = await this.#db
      .selectFrom('runners')
      .selectAll()
      .where('last_heartbeat_at_ms', '>=', cutOffMs)
      .orderBy('id')
      .execute();
    return rows.map((row) => ({
      lastHeartbeatAtMs: row.last_heartbeat_at_ms,
      registration: {
        runnerId: row.id,
        host: row.host,
        port: row.port,
        maxSandboxes: row.max_sandboxes,
        engineUrl: row.engine_url ?? undefined,
        model: row.model ?? undefined,
        instanceId: row.instance_id ?? undefined,
        version: row.version ?? undefined,
      },
    }));
  }

  async close(): Promise<void> {
    await this.#db.destroy();
  }
}
