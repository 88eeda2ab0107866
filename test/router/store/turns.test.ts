import { storeKinds, storeOfEachTest } from '../../support/stores.ts';
import { activeSession, claim, finished, owner, placement } from './session-rows.ts';

describe.each(storeKinds)('turns in the store, %s', (kind) => {
  const given = storeOfEachTest(kind);
  beforeEach(async () => {
    const { store } = given;
    await store.runners.save({ runnerId: 'r1', host: 'h', port: 1, maxSandboxes: 10 }, 0);
    await activeSession(store, 's1');
  });

  test('of several claims at once one has the session, until its turn is recorded', async () => {
    const { store } = given;
    const claims = await Promise.all(['t1', 't2', 't3'].map((id) => store.turns.claim(claim('s1', id), 1)));
    const winners = claims.filter((claimed) => claimed !== undefined);
    expect(winners).toEqual([{ runnerId: 'r1', placement: 1, agent: 'chat', model: null }]);
    const { turn_id: turnId } = (await store.sessions.find(owner, 's1'))!;
    expect(await store.turns.record(finished('s1', turnId!, 1), 2)).toBe(1);
    expect(await store.turns.claim(claim('s1', 't4'), 3)).toBeDefined();
    expect(await store.turns.agentState('s1')).toEqual({ after: turnId });
  });

  test('recording again does nothing: the outcome of the first time may have been lost', async () => {
    const { store } = given;
    await store.turns.claim(claim('s1', 't1'), 1);
    expect(await store.turns.record(finished('s1', 't1', 1), 2)).toBe(1);
    await store.turns.claim(claim('s1', 't2'), 3);
    expect(await store.turns.record(finished('s1', 't1', 1), 4)).toBe(1);
    expect(await store.turns.record(finished('s1', 't2', 1), 5)).toBe(2);
    expect((await store.turns.list('s1')).map(({ seq, turnId }) => [seq, turnId])).toEqual([
      [1, 't1'],
      [2, 't2'],
    ]);
  });

  test('a turn of an earlier placement cannot be recorded, not even on the same runner', async () => {
    const { store } = given;
    await store.turns.claim(claim('s1', 't1'), 1);
    await store.sessions.pausePlacement('s1', 1, 'runner-lost', 2);
    expect(await store.turns.record(finished('s1', 't1', 1), 3)).toBeUndefined();
    await store.sessions.beginStart(owner, { id: 's1', coordinator: 'c1', beganAtMs: 4 });
    expect(await store.sessions.place(placement('s1', 5))).toEqual({ runnerId: 'r1', placement: 2 });
    await store.sessions.activate('s1', 2, 6);
    expect(await store.turns.record(finished('s1', 't1', 1), 7)).toBeUndefined();
    await store.turns.claim(claim('s1', 't2'), 8);
    expect(await store.turns.record(finished('s1', 't1', 1), 9)).toBeUndefined();
    expect(await store.turns.record(finished('s1', 't2', 2), 10)).toBe(1);
    expect(await store.turns.agentState('s1')).toEqual({ after: 't2' });
  });

  test('a start that was overtaken does not make the session active', async () => {
    const { store } = given;
    await store.sessions.pausePlacement('s1', 1, 'runner-lost', 2);
    await store.sessions.beginStart(owner, { id: 's1', coordinator: 'c1', beganAtMs: 3 });
    await store.sessions.place(placement('s1', 4));
    await store.expiry.pauseAllOf('r1', 'runner-left', 5);
    expect(await store.sessions.activate('s1', 2, 6)).toBeUndefined();
    expect(await store.sessions.find(owner, 's1')).toMatchObject({ status: 'paused', last_runner_id: 'r1' });
  });

  test('a message whose key is recorded does not take the session again', async () => {
    const { store } = given;
    await store.turns.claim(claim('s1', 't1', 'c', 'k'), 1);
    await store.turns.record(finished('s1', 't1', 1, 'k'), 2);
    expect(await store.turns.claim(claim('s1', 't2', 'c', 'k'), 3)).toBeUndefined();
    expect(await store.turns.findByKey('s1', 'k')).toMatchObject({ seq: 1, turnId: 't1' });
  });

  test('releasing frees the session of this turn only', async () => {
    const { store } = given;
    await store.turns.claim(claim('s1', 't1'), 1);
    await store.turns.release('s1', 't0');
    expect(await store.turns.claim(claim('s1', 't2'), 2)).toBeUndefined();
    await store.turns.release('s1', 't1');
    expect(await store.turns.claim(claim('s1', 't2'), 3)).toBeDefined();
  });
});
