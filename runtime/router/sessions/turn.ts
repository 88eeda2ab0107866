import type { ClaimedTurn, TurnClaim } from '../store/turn-queries.ts';

export interface Message {
  readonly sessionId: string;
  readonly ownerKeyId: string;
  readonly content: string;
  readonly idempotencyKey: string | undefined;
}

/** A message that has its session to itself. */
export interface Turn extends TurnClaim, ClaimedTurn {
  readonly content: string;
  readonly startedAtMs: number;
}
