import { type Selectable, sql } from 'kysely';
import type { EngineState, RunnerHeartbeat, RunnerRegistration } from '../../shared/protocol.ts';
import type { Database } from './database.ts';
import type { RunnersTable } from './schema.ts';

/** A runner as the store remembers it, for every coordinator and across restarts. */
export interface StoredRunner {
  readonly registration: RunnerRegistration;
  readonly registeredAtMs: number;
  readonly lastHeartbeatAtMs: number;
}

/** A heartbeat and when it came, wall clock ms. */
export interface TimedHeartbeat {
  readonly heartbeat: RunnerHeartbeat;
  readonly atMs: number;
}

/** The runners in the store. Every statement is idempotent; times are wall clock ms and come from the caller. */
export class RunnerQueries {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async save(runner: RunnerRegistration, nowMs: number): Promise<void> {
    const row = {
      host: runner.host,
      port: runner.port,
      max_sandboxes: runner.maxSandboxes,
      engine_url: runner.engineUrl ?? null,
      model: runner.model ?? null,
      instance_id: runner.instanceId ?? null,
      version: runner.version ?? null,
      engine_state: runner.engineState ?? null,
      registered_at_ms: nowMs,
      last_heartbeat_at_ms: nowMs,
    };
    await this.#database.run((db) =>
      db
        .insertInto('runners')
        .values({ id: runner.runnerId, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute(),
    );
  }

  /** Writes heartbeats of different runners in one statement. @returns the runners that are in the store */
  async saveHeartbeats(beats: readonly TimedHeartbeat[]): Promise<ReadonlySet<string>> {
    // In one order everywhere, so that two routers do not wait for each other.
    const sorted = beats.toSorted((a, b) => (a.heartbeat.runnerId < b.heartbeat.runnerId ? -1 : 1));
    const rows = sorted.map(
      ({ heartbeat, atMs }) => sql`(
        cast(${heartbeat.runnerId} as text), cast(${heartbeat.activeCount} as integer),
        cast(${heartbeat.warmingCount} as integer), cast(${heartbeat.engineState ?? null} as text),
        cast(${atMs} as bigint))`,
    );
    const statement = sql<{ id: string }>`
      with beats (id, active_count, warming_count, engine_state, at_ms) as (values ${sql.join(rows)})
      update runners set
        active_count = beats.active_count,
        warming_count = beats.warming_count,
        engine_state = coalesce(beats.engine_state, runners.engine_state),
        last_heartbeat_at_ms = beats.at_ms
      from beats where runners.id = beats.id
      returning runners.id`;
    const result = await this.#database.run((db) => statement.execute(db));
    return new Set(result.rows.map(({ id }) => id));
  }

  async find(runnerId: string): Promise<StoredRunner | undefined> {
    const row = await this.#database.run((db) =>
      db.selectFrom('runners').selectAll().where('id', '=', runnerId).executeTakeFirst(),
    );
    return row && toRunner(row);
  }

  /** All of them, also those that have been silent for too long. */
  async list(): Promise<StoredRunner[]> {
    const rows = await this.#database.run((db) => db.selectFrom('runners').selectAll().orderBy('id').execute());
    return rows.map(toRunner);
  }

  /** Runners without a heartbeat since `cutOffMs`: one query, however many there are. */
  async silentSince(cutOffMs: number): Promise<string[]> {
    const rows = await this.#database.run((db) =>
      db.selectFrom('runners').select('id').where('last_heartbeat_at_ms', '<', cutOffMs).orderBy('id').execute(),
    );
    return rows.map(({ id }) => id);
  }

  async delete(runnerId: string): Promise<void> {
    await this.#database.run((db) => db.deleteFrom('runners').where('id', '=', runnerId).execute());
  }

  /** Deletes a runner unless it has beaten since `cutOffMs`. */
  async deleteSilent(runnerId: string, cutOffMs: number): Promise<void> {
    await this.#database.run((db) =>
      db.deleteFrom('runners').where('id', '=', runnerId).where('last_heartbeat_at_ms', '<', cutOffMs).execute(),
    );
  }
}

function toRunner(row: Selectable<RunnersTable>): StoredRunner {
  return {
    registeredAtMs: row.registered_at_ms,
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
      engineState: (row.engine_state as EngineState | null) ?? undefined,
    },
  };
}
