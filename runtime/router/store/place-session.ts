import { sql } from 'kysely';
import type { Queries } from './database.ts';

/** What a session asks of the runner that is to host it. Times are wall clock ms. */
export interface PlacementRequest {
  readonly sessionId: string;
  /** Runners without a heartbeat since then are not chosen. */
  readonly aliveSinceMs: number;
  /** Only runners with this model; undefined where the fleet serves one. */
  readonly model?: string | undefined;
  /** Refused or failed this session just now. */
  readonly excluded: readonly string[];
  /** Decides between runners with the same room, best first: those whose engines hold the session's prefix. */
  readonly preferred: readonly string[];
  readonly nowMs: number;
}

export interface Placement {
  readonly runnerId: string;
  /** The number of this placement; goes up with each. */
  readonly placement: number;
}

/**
 * Chooses the runner with the most room and writes it down, in one statement. Room is what the last heartbeat left of
 * `max_sandboxes`, less what has been placed since; warmed sandboxes take room, but a runner whose whole room is warmed can
 * still be chosen, after all others: they wait for a session.
 * @returns undefined when there is no room, or the session is not starting any more
 */
export async function placeSession(db: Queries, request: PlacementRequest): Promise<Placement | undefined> {
  const { sessionId, aliveSinceMs, model, excluded, preferred, nowMs } = request;
  const rank = preferred.map((id, index) => sql`when ${id} then ${sql.lit(index)}`);
  const byPreference = sql`case id ${sql.join(rank, sql` `)} else ${sql.lit(rank.length)} end,`;
  const chosen = sql<{ runner_id: string; placement: number }>`
    update sessions set
      runner_id = chosen.id, placement = placement + 1, placed_at_ms = ${nowMs}
    from (
      select id from (
        select r.id, r.warming_count, r.max_sandboxes - r.active_count - (
          select count(*) from sessions as s where s.runner_id = r.id and s.status = 'starting'
        ) - (
          select count(*) from sessions as s
          where s.runner_id = r.id and s.status = 'active' and s.placed_at_ms >= r.last_heartbeat_at_ms
        ) as room
        from runners as r
        where r.last_heartbeat_at_ms >= ${aliveSinceMs} and coalesce(r.engine_state, 'ready') <> 'draining'
          ${model === undefined ? sql`` : sql`and coalesce(r.model, ${model}) = ${model}`}
          ${excluded.length === 0 ? sql`` : sql`and r.id not in (${sql.join(excluded)})`}
      ) as candidates
      where room > 0
      order by room - warming_count desc, ${rank.length === 0 ? sql`` : byPreference} id
      limit 1
    ) as chosen
    where sessions.id = ${sessionId} and sessions.status = 'starting'
    returning sessions.runner_id, sessions.placement`;
  const { rows } = await chosen.execute(db);
  return rows[0] && { runnerId: rows[0].runner_id, placement: rows[0].placement };
}
