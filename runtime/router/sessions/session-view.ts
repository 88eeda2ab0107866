import type { PauseReason, SessionStatus } from '../store/schema.ts';
import type { SessionRow } from '../store/session-queries.ts';
import type { RecordedTurn } from '../store/turn-queries.ts';

/** What a session was created with beside agent and model. */
export interface SessionSettings {
  readonly system?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** A session as its owner sees it. */
export interface SessionView {
  readonly object: 'session';
  readonly id: string;
  readonly status: SessionStatus;
  /** Why it is paused. */
  readonly pauseReason: PauseReason | null;
  readonly agent: string;
  readonly model: string | null;
  readonly system: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Where its sandbox is; null while it has none. */
  readonly runnerId: string | null;
  /** Answered messages. */
  readonly turns: number;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly lastActiveAt: string;
}

/** One message of a session's transcript. */
export interface MessageView {
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly turnId: string;
  readonly createdAt: string;
}

export function settingsOf(session: Pick<SessionRow, 'settings'>): SessionSettings {
  return JSON.parse(session.settings) as SessionSettings;
}

export function sessionView(session: SessionRow): SessionView {
  const { system = null, metadata = {} } = settingsOf(session);
  return {
    object: 'session',
    id: session.id,
    status: session.status,
    pauseReason: session.pause_reason,
    agent: session.agent,
    model: session.model,
    system,
    metadata,
    runnerId: session.runner_id,
    turns: session.turn_count,
    createdAt: new Date(session.created_at_ms).toISOString(),
    lastActiveAt: new Date(session.last_active_at_ms).toISOString(),
  };
}

export function transcriptView(turns: readonly RecordedTurn[]): MessageView[] {
  return turns.flatMap(({ messages, turnId, createdAtMs }) =>
    messages.map(({ role, content }) => ({ role, content, turnId, createdAt: new Date(createdAtMs).toISOString() })),
  );
}
