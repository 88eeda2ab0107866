import type { Database } from './database.ts';

/** The routers that live, as the store knows them: the turns of one that does not are nobody's. */
export class CoordinatorQueries {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @param leaseId unique to this run of the router, unlike a process id */
  async keepLease(leaseId: string, nowMs: number): Promise<void> {
    const row = { last_seen_at_ms: nowMs };
    await this.#database.run((db) =>
      db
        .insertInto('coordinators')
        .values({ id: leaseId, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute(),
    );
  }

  async endLease(leaseId: string): Promise<void> {
    await this.#database.run((db) => db.deleteFrom('coordinators').where('id', '=', leaseId).execute());
  }

  /** For a database that nobody else uses: whoever has a lease is dead. */
  async endAllLeases(): Promise<void> {
    await this.#database.run((db) => db.deleteFrom('coordinators').execute());
  }

  async deleteSilent(cutOffMs: number): Promise<void> {
    await this.#database.run((db) => db.deleteFrom('coordinators').where('last_seen_at_ms', '<', cutOffMs).execute());
  }
}
