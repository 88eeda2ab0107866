import type { Generated } from 'kysely';

/** One row per registered runner. Times are wall clock in ms since the epoch, given by the caller. */
export interface RunnersTable {
  id: string;
  host: string;
  port: number;
  max_sandboxes: number;
  engine_url: string | null;
  model: string | null;
  instance_id: string | null;
  version: string | null;
  active_count: Generated<number>;
  warming_count: Generated<number>;
  registered_at_ms: number;
  last_heartbeat_at_ms: number;
}

export interface StoreSchema {
  runners: RunnersTable;
}
