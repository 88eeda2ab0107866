import type { EngineState } from '../../../runtime/shared/protocol.ts';
import { storeKinds, storeOfEachTest } from '../../support/stores.ts';
import { activeSession, placement, startingSession } from './session-rows.ts';

describe.each(storeKinds)('the choice of a runner in %s', (kind) => {
  const given = storeOfEachTest(kind);
  let asked = 0;
  beforeEach(() => {
    asked = 0;
  });

  const runner = (runnerId: string, maxSandboxes: number, more: object = {}) =>
    given.store.runners.save({ runnerId, host: 'h', port: 1, maxSandboxes, ...more }, 0);
  const beat = (runnerId: string, atMs: number, activeCount: number, warmingCount = 0) =>
    given.store.runners.saveHeartbeats([{ heartbeat: { runnerId, activeCount, warmingCount }, atMs }]);
  const choose = async (wishes: object = {}) => {
    const id = `new-${++asked}`;
    await startingSession(given.store, id);
    return (await given.store.sessions.place({ ...placement(id, 100), ...wishes }))?.runnerId;
  };

  test('the most room wins: max_sandboxes - active_count - warming_count, found and taken in one statement', async () => {
    await runner('a', 10);
    await runner('b', 8);
    await beat('a', 10, 4, 2);
    await beat('b', 10, 2, 1);
    await startingSession(given.store, 'new');
    given.statements.length = 0;
    expect(await given.store.sessions.place(placement('new', 100))).toEqual({ runnerId: 'b', placement: 1 });
    expect(given.statements).toHaveLength(1);
  });

  test('sessions placed since the last heartbeat take room; those before it are in its count', async () => {
    await runner('a', 3);
    await runner('b', 2);
    expect(await activeSession(given.store, 's1', 50)).toBe('a');
    expect([await activeSession(given.store, 's2', 50), await activeSession(given.store, 's3', 50)]).toEqual([
      'a',
      'b',
    ]);
    await beat('a', 60, 0);
    expect(await choose()).toBe('a');
  });

  test('a runner without a heartbeat for 30 s is not chosen', async () => {
    await runner('a', 10);
    await runner('b', 1);
    await beat('b', 40_000, 0);
    expect(await choose({ aliveSinceMs: 10_001 })).toBe('b');
  });

  test('nor is one that drains, one that is excluded, or one with another model', async () => {
    await runner('draining', 10, { engineState: 'draining' });
    await runner('excluded', 9);
    await runner('other', 8, { model: 'llama' });
    await runner('fitting', 2, { model: 'qwen' });
    expect(await choose({ excluded: ['excluded'], model: 'qwen' })).toBe('fitting');
  });

  test('a drain that a heartbeat told counts until another one takes it back', async () => {
    await runner('a', 10, { engineState: 'ready' });
    await runner('b', 2);
    const tell = (engineState: EngineState | undefined, atMs: number) =>
      given.store.runners.saveHeartbeats([
        { heartbeat: { runnerId: 'a', activeCount: 0, warmingCount: 0, engineState }, atMs },
      ]);
    await tell('draining', 10);
    expect(await choose()).toBe('b');
    await tell(undefined, 20);
    expect(await choose()).toBe('b');
    await tell('ready', 30);
    expect(await choose()).toBe('a');
  });

  test('between runners with the same room preference decides, then the name', async () => {
    for (const id of ['a', 'b', 'c']) await runner(id, 4);
    await runner('d', 3);
    expect(await choose({ preferred: ['d', 'c', 'b'] })).toBe('c');
    expect(await choose()).toBe('a');
  });

  test('a runner whose whole room is warmed is the last choice, but one: warmed sandboxes wait for a session', async () => {
    await runner('warm', 4);
    await runner('cold', 2);
    await beat('warm', 10, 0, 4);
    await beat('cold', 10, 1, 0);
    expect(await choose()).toBe('cold');
    await beat('cold', 11, 2, 0);
    expect(await choose()).toBe('warm');
  });

  test('without room nothing is chosen, and nothing changes', async () => {
    await runner('a', 2);
    await beat('a', 10, 2);
    expect(await choose()).toBeUndefined();
    expect(await given.store.sessions.find('key-1', 'new-1')).toMatchObject({
      status: 'starting',
      runner_id: null,
      placement: 0,
    });
  });

  test('many at once do not overfill a runner', async () => {
    await runner('a', 5);
    await runner('b', 5);
    const ids = Array.from({ length: 12 }, (_, i) => `s${i}`);
    await Promise.all(ids.map((id) => startingSession(given.store, id)));
    const place = (id: string) => given.store.sessions.place(placement(id, 100));
    // Postgres lets statements overlap that do not change the same row; a runner refuses what is too much for it.
    const placed = kind === 'SQLite' ? await Promise.all(ids.map(place)) : [];
    for (const id of kind === 'SQLite' ? [] : ids) placed.push(await place(id));
    const counts = Object.groupBy(placed, (each) => each?.runnerId ?? 'none');
    expect(Object.entries(counts).map(([id, list]) => [id, list!.length])).toEqual(
      expect.arrayContaining([
        ['a', 5],
        ['b', 5],
        ['none', 2],
      ]),
    );
  });
});
