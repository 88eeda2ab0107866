import { ClaimQueries } from './claim-queries.ts';
import { CoordinatorQueries } from './coordinator-queries.ts';
import { Database, type DatabaseOptions } from './database.ts';
import { RunnerQueries } from './runner-queries.ts';
import { SessionExpiryQueries } from './session-expiry-queries.ts';
import { SessionQueries } from './session-queries.ts';
import { TurnQueries } from './turn-queries.ts';

/** What the coordinator remembers: one schema and one set of statements, on an embedded SQLite or a shared Postgres. */
export class Store {
  readonly database: Database;
  readonly runners: RunnerQueries;
  readonly coordinators: CoordinatorQueries;
  readonly sessions: SessionQueries;
  readonly expiry: SessionExpiryQueries;
  readonly turns: TurnQueries;
  readonly claims: ClaimQueries;

  /** @throws when an embedded database cannot be opened or migrated, or a Postgres refuses; not when it is down */
  static async open(options: DatabaseOptions = {}): Promise<Store> {
    return new Store(await Database.open(options));
  }

  private constructor(database: Database) {
    this.database = database;
    this.runners = new RunnerQueries(database);
    this.coordinators = new CoordinatorQueries(database);
    this.sessions = new SessionQueries(database);
    this.expiry = new SessionExpiryQueries(database);
    this.turns = new TurnQueries(database);
    this.claims = new ClaimQueries(database);
  }

  async close(): Promise<void> {
    await this.database.close();
  }
}
