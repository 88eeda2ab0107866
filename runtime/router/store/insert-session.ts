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
  return (isShared ? withLockedCount(db, ownerKeyId) : db)
    .insertInto('sessions')
    .columns([
      'id',
      'owner_key_id',
      'agent',
      'model',
      'settings',
      'status',
      'status_at_ms',
      'last_active_at_ms',
      'created_at_ms',
      'turn_coordinator',
    ])
    .expression(
      sql`select cast(${id} as text), cast(${ownerKeyId} as text), cast(${agent} as text), cast(${model} as text),
            cast(${settings} as text), 'starting', cast(${nowMs} as bigint), cast(${nowMs} as bigint), cast(${nowMs} as bigint),
            cast(${coordinator} as text)
          where coalesce((${liveCount}), 0) < cast(${limit} as bigint)`,
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
