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
  /** What the runner last said of its engine. */
  engine_state: string | null;
  active_count: Generated<number>;
  warming_count: Generated<number>;
  registered_at_ms: number;
  last_heartbeat_at_ms: number;
}

export type SessionStatus = 'starting' | 'active' | 'paused' | 'ended';

/** Why a session is paused. */
export type PauseReason =
  /** Its owner asked for it. */
  | 'requested'
  /** No message for long. */
  | 'idle'
  /** Its runner sent no heartbeats or broke off. */
  | 'runner-lost'
  /** Its runner left in good order, or is about to. */
  | 'runner-left'
  /** A turn failed in a way that leaves the sandbox's memory in doubt. */
  | 'turn-failed'
  /** The router that ran its turn, or started it, is gone. */
  | 'router-lost'
  /** It could not be started. */
  | 'start-failed';

/** One row per session. `runner_id` is set while it is starting or active, and counts then. */
export interface SessionsTable {
  id: string;
  /** The API key that it belongs to. */
  owner_key_id: string;
  agent: string;
  model: string | null;
  /** JSON of SessionSettings. */
  settings: string;
  status: SessionStatus;
  status_at_ms: number;
  pause_reason: PauseReason | null;
  runner_id: string | null;
  /** The runner before: its engine may still hold the conversation's prefix. */
  last_runner_id: string | null;
  /** Goes up each time the session gets a runner: what an earlier placement still sends does not count. */
  placement: Generated<number>;
  placed_at_ms: number | null;
  /** JSON that the agent saved with the last turn. */
  agent_state: string | null;
  turn_count: Generated<number>;
  last_active_at_ms: number;
  created_at_ms: number;
  /** The turn being answered, and the coordinator that answers it or starts the session: it holds only as long as that one lives. */
  turn_id: string | null;
  turn_coordinator: string | null;
  turn_key: string | null;
  turn_digest: string | null;
}

/** One row per answered message. */
export interface TurnsTable {
  session_id: string;
  /** 1, 2, 3 ... within the session. */
  seq: number;
  turn_id: string;
  idempotency_key: string | null;
  /** SHA-256 of what the client asked for, to tell a retry from another message under the same key. */
  digest: string;
  /** JSON of TranscriptMessage[]: what the turn adds to the transcript. JSON, because a text of Postgres holds no NUL. */
  messages: string;
  finish_reason: string;
  /** JSON of TurnUsage. */
  usage: string | null;
  created_at_ms: number;
}

/** One row per API key: counting its sessions would take longer with each. Triggers of the database keep it. */
export interface SessionCountsTable {
  owner_key_id: string;
  /** Sessions that have not ended. */
  live_count: number;
}

/** One row per living router process; a turn's lease is that of its coordinator. */
export interface CoordinatorsTable {
  id: string;
  last_seen_at_ms: number;
}

export interface StoreSchema {
  runners: RunnersTable;
  sessions: SessionsTable;
  turns: TurnsTable;
  session_counts: SessionCountsTable;
  coordinators: CoordinatorsTable;
}
