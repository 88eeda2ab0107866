import type { CodedError } from '../../shared/errors.ts';
import { routerError } from '../errors.ts';
import type { SessionRow } from '../store/session-queries.ts';

const startingRetrySeconds = 1;
const busyRetrySeconds = 1;

/** What a message that could not take its session is told; `abandoned` and `free` are for the caller to act on. */
export type ClaimRefusal =
  | CodedError
  /** The router that answered the session's turn is gone: nobody will finish it, and the sandbox is in doubt. */
  | 'abandoned'
  /** The session has become free meanwhile. */
  | 'free';

export interface ClaimFacts {
  readonly session: SessionRow;
  /** Whether the coordinator of the session's turn still lives. */
  readonly isLeaseHeld: boolean;
  readonly idempotencyKey: string | undefined;
  readonly digest: string;
}

/** Why a session did not take a message. */
export function whyNotClaimed({ session, isLeaseHeld, idempotencyKey, digest }: ClaimFacts): ClaimRefusal {
  if (session.status !== 'active') return notActive(session);
  if (session.turn_id === null) return 'free';
  if (!isLeaseHeld) return 'abandoned';
  const { id } = session;
  if (idempotencyKey === undefined || idempotencyKey !== session.turn_key) {
    return routerError('SESSION_BUSY', { id }, { retryAfterSeconds: busyRetrySeconds });
  }
  return digest === session.turn_digest
    ? routerError('TURN_IN_PROGRESS', { retryAfterSeconds: busyRetrySeconds }, { retryAfterSeconds: busyRetrySeconds })
    : routerError('IDEMPOTENCY_MISMATCH', { id });
}

/** What a session that is not active says to whoever needs it to be. */
export function notActive({
  id,
  status,
  pause_reason,
}: Pick<SessionRow, 'id' | 'status' | 'pause_reason'>): CodedError {
  if (status === 'paused') return routerError('SESSION_PAUSED', { id, reason: pause_reason ?? 'requested' });
  if (status === 'ended') return routerError('SESSION_ENDED', { id });
  return routerError(
    'SESSION_STARTING',
    { id, retryAfterSeconds: startingRetrySeconds },
    { retryAfterSeconds: startingRetrySeconds },
  );
}
