import type { Store } from '../../../runtime/router/store/store.ts';

export const owner = 'key-1';

export const placement = (sessionId: string, nowMs: number) => ({
  ...{ sessionId, nowMs, excluded: [], preferred: [] },
  aliveSinceMs: nowMs - 30_000,
});

/** A session that has just been asked for. */
export async function startingSession(store: Store, id: string, nowMs = 0, coordinator = 'c'): Promise<void> {
  const session = { id, ownerKeyId: owner, agent: 'chat', model: null, settings: '{}', coordinator };
  await store.sessions.insert(session, 1_000, nowMs);
}

/** A session on the runner with the most room. @returns its runner */
export async function activeSession(store: Store, id: string, nowMs = 0): Promise<string> {
  await startingSession(store, id, nowMs);
  const placed = await store.sessions.place(placement(id, nowMs));
  await store.sessions.activate(id, placed!.placement, nowMs);
  return placed!.runnerId;
}

/** What a message asks the store for. */
export const claim = (sessionId: string, turnId: string, coordinator = 'c', idempotencyKey?: string) => ({
  ...{ sessionId, ownerKeyId: owner, turnId, coordinator, idempotencyKey, digest: 'd' },
});

export const finished = (sessionId: string, turnId: string, placementNumber: number, idempotencyKey?: string) => ({
  ...{ sessionId, turnId, placement: placementNumber, idempotencyKey, digest: 'd' },
  messages: [
    { role: 'user' as const, content: `question of ${turnId}` },
    { role: 'assistant' as const, content: `answer of ${turnId}` },
  ],
  agentState: { after: turnId },
  finishReason: 'stop',
  usage: null,
});
