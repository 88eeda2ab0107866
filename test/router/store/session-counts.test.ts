import fc from 'fast-check';
import { sql } from 'kysely';
import type { Store } from '../../../runtime/router/store/store.ts';
import { storeKinds, storeOfEachTest } from '../../support/stores.ts';
import { activeSession, owner, startingSession } from './session-rows.ts';

const liveSessions = async (store: Store) => {
  const { rows } = await store.database.run((db) =>
    sql<{ counted: number; live: number }>`
      select (select coalesce(sum(live_count), 0) from session_counts) as counted,
        (select count(*) from sessions where status <> 'ended') as live`.execute(db),
  );
  return rows[0]!;
};

describe.each(storeKinds)('the count of sessions of a key in %s', (kind) => {
  const given = storeOfEachTest(kind);
  beforeEach(() => given.store.runners.save({ runnerId: 'r1', host: 'h', port: 1, maxSandboxes: 1_000 }, 0));

  const insert = (id: string, ownerKeyId: string, limit: number) =>
    given.store.sessions.insert(
      { ...{ id, ownerKeyId, agent: 'chat', model: null }, settings: '{}', coordinator: 'c' },
      limit,
      0,
    );

  test('a key that has as many as it may gets no other until one has ended; other keys do not count', async () => {
    expect(await insert('s1', 'one', 2)).toBe(true);
    expect(await insert('s2', 'one', 2)).toBe(true);
    expect(await insert('s3', 'one', 2)).toBe(false);
    expect(await insert('s4', 'two', 2)).toBe(true);
    await given.store.sessions.end('one', 's1', 1);
    await given.store.sessions.end('one', 's1', 2);
    expect(await insert('s5', 'one', 2)).toBe(true);
    expect(await insert('s6', 'one', 2)).toBe(false);
  });

  test('of many that come at the same moment as many get in as there is room', async () => {
    const rush = (name: string) => Promise.all(Array.from({ length: 12 }, (_, i) => insert(`${name}${i}`, 'one', 3)));
    expect((await rush('first')).filter(Boolean)).toHaveLength(3);
    const [newest] = await given.store.sessions.list({ ownerKeyId: 'one', limit: 1 });
    await given.store.sessions.end('one', newest!.id, 1);
    expect((await rush('second')).filter(Boolean)).toHaveLength(1);
  });

  test('the check is one statement that counts no rows', async () => {
    given.statements.length = 0;
    await insert('s1', 'one', 2);
    expect(given.statements).toHaveLength(1);
    expect(given.statements[0]).not.toContain('count(');
  });

  test('whatever happens to sessions, the count is that of the rows', async () => {
    const { store } = given;
    const deeds: Record<string, (id: string, nowMs: number) => Promise<unknown>> = {
      start: (id, nowMs) => startingSession(store, `${id}-${nowMs}`, nowMs),
      activate: (id, nowMs) => activeSession(store, `${id}-${nowMs}`, nowMs),
      giveUp: async () => {
        const [session] = await store.sessions.list({ ownerKeyId: owner, status: 'starting', limit: 1 });
        if (session) await store.sessions.deleteUnstarted(session.id);
      },
      pauseAll: (_id, nowMs) => store.expiry.pauseAllOf('r1', 'runner-left', nowMs),
      end: async (_id, nowMs) => {
        for (const { id } of await store.sessions.list({ ownerKeyId: owner, limit: 2 })) {
          await store.sessions.end(owner, id, nowMs);
        }
      },
      expire: (_id, nowMs) => store.expiry.endPaused(nowMs, nowMs),
      forget: (_id, nowMs) => store.expiry.deleteEnded(nowMs, { sessions: 2, rows: 10 }),
    };
    let nowMs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...Object.keys(deeds)), { maxLength: 20 }), async (names) => {
        for (const name of names) await deeds[name]!('s', ++nowMs);
        const { counted, live } = await liveSessions(store);
        expect(counted).toBe(live);
      }),
      { numRuns: 30 },
    );
  });
});
