import { storeKinds, storeOfEachTest } from '../../support/stores.ts';
import { activeSession, claim, finished, owner } from './session-rows.ts';

const limits = { sessions: 10, rows: 10 };

describe.each(storeKinds)('the deletion of ended sessions in %s', (kind) => {
  const given = storeOfEachTest(kind);
  beforeEach(() => given.store.runners.save({ runnerId: 'r1', host: 'h', port: 1, maxSandboxes: 1_000 }, 0));

  /** A session with so many turns. */
  const session = async (id: string, turns: number, endedAtMs?: number) => {
    const { store } = given;
    await activeSession(store, id);
    for (let turn = 1; turn <= turns; turn++) {
      await store.turns.claim(claim(id, `${id}-${turn}`), turn);
      await store.turns.record(finished(id, `${id}-${turn}`, 1), turn);
    }
    if (endedAtMs !== undefined) await store.sessions.end(owner, id, endedAtMs);
  };
  const left = async () => (await given.store.sessions.list({ ownerKeyId: owner, limit: 100 })).map(({ id }) => id);

  test('takes those that ended before the cut-off, with their turns, in one statement', async () => {
    await session('old', 2, 1_000);
    await session('young', 1, 2_000);
    await session('paused', 1);
    await given.store.sessions.pause(owner, 'paused', 500);
    await session('active', 1);
    given.statements.length = 0;
    expect(await given.store.expiry.deleteEnded(2_000, limits)).toBe(1);
    expect(given.statements).toHaveLength(1);
    expect((await left()).toSorted()).toEqual(['active', 'paused', 'young']);
    expect(await given.store.turns.list('old')).toEqual([]);
    expect(await given.store.turns.list('young')).toHaveLength(1);
  });

  test('one statement takes the oldest, as many as the limits allow, and one at least', async () => {
    await session('third', 3, 30);
    await session('first', 3, 10);
    await session('second', 3, 20);
    await session('long', 20, 40);
    const { expiry } = given.store;
    // Four rows each: the third begins at row 9 of 8.
    expect(await expiry.deleteEnded(100, { sessions: 10, rows: 8 })).toBe(2);
    expect((await left()).toSorted()).toEqual(['long', 'third']);
    expect(await expiry.deleteEnded(100, { sessions: 1, rows: 100 })).toBe(1);
    expect(await left()).toEqual(['long']);
    expect(await expiry.deleteEnded(100, { sessions: 10, rows: 1 })).toBe(1);
    expect(await expiry.deleteEnded(100, limits)).toBe(0);
  });

  test('several at once delete each session once', async () => {
    for (let i = 0; i < 8; i++) await session(`s${i}`, 1, i);
    const deleted = await Promise.all([1, 2, 3, 4].map(() => given.store.expiry.deleteEnded(100, limits)));
    expect(deleted.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(8);
    while ((await given.store.expiry.deleteEnded(100, limits)) > 0);
    expect(await left()).toEqual([]);
  });
});
