import { type InsertQueryBuilder, type InsertResult, sql } from 'kysely';
import type { Queries } from './database.ts';
import type { StoreSchema } from './schema.ts';

export interface NewSession {
  readonly id: string;
  readonly ownerKeyId: string;
  readonly agent: string;
  readonly model: string | null;
  /** JSON. */
  readonly settings: string;
  /** Lease of the coordinator that starts it. */
  readonly coordinator: string;
}

/**
 * Inserts the session unless its owner has `limit` that have not ended; 0 rows then.
 * @param isShared callers on other connections do the same: the count of the owner is locked until the statement has ended
 */
export function insertIfBelow(
  db: Queries,
  { id, ownerKeyId, agent, model, settings, coordinator }: NewSession,
  { limit, isShared, nowMs }: { readonly limit: number; readonly isShared: boolean; readonly nowMs: number },
): InsertQueryBuilder<StoreSchema, 'sessions', InsertResult> {
  const liveCount = isShared
    ? sql`select live_count from locked_count`
    : sql`select live_count from session_counts where owner_key_id = ${ownerKeyId}`;
  // Postgres does not guess the type of a parameter that is selected.
  const text = (value: string | null) => sql`cast(${value} as text)`;
  const now = sql`cast(${nowMs} as bigint)`;
  const row = {
    id: text(id),
    owner_key_id: text(ownerKeyId),
    agent: text(agent),
    model: text(model),
    settings: text(settings),
    status: text('starting'),
    status_at_ms: now,
    last_active_at_ms: now,
    created_at_ms: now,
    turn_coordinator: text(coordinator),
  };
  return (isShared ? withLockedCount(db, ownerKeyId) : db)
    .insertInto('sessions')
    .columns(Object.keys(row) as (keyof typeof row)[])
    .expression(
      sql`select ${sql.join(Object.values(row))} where coalesce((${liveCount}), 0) < cast(${limit} as bigint)`,
    );
}

/** Waits for others that change the count. (`select ... for update` would find nothing to lock for an owner's first session.) */
function withLockedCount(db: Queries, ownerKeyId: string) {
  return db.with('locked_count', (queries) =>
    queries
      .insertInto('session_counts')
      .values({ owner_key_id: ownerKeyId, live_count: 0 })
      .onConflict((conflict) =>
        conflict.column('owner_key_id').doUpdateSet(({ ref }) => ({ live_count: ref('session_counts.live_count') })),
      )
      .returning('live_count'),
  );
}
