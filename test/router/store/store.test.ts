import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Store } from '../../../runtime/router/store/store.ts';
import { storeKinds, storeOfEachTest } from '../../support/stores.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const runner = { runnerId: 'r1', host: '10.0.0.5', port: 4200, maxSandboxes: 4, engineUrl: 'http://10.0.0.5:7999' };
const beat = (runnerId: string, atMs: number, activeCount = 0) => ({
  heartbeat: { runnerId, activeCount, warmingCount: 0 },
  atMs,
});

describe.each(storeKinds)('runners in %s', (kind) => {
  const given = storeOfEachTest(kind);

  test('a registration is remembered with its last heartbeat, times and counts as numbers', async () => {
    const { store } = given;
    const nowMs = 1_796_000_000_000;
    await store.runners.save(runner, nowMs);
    expect(await store.runners.saveHeartbeats([beat('r1', nowMs + 5_000)])).toEqual(new Set(['r1']));
    expect(await store.runners.list()).toMatchObject([
      { registration: runner, registeredAtMs: nowMs, lastHeartbeatAtMs: nowMs + 5_000 },
    ]);
  });

  test('a second registration replaces the first', async () => {
    const { store } = given;
    await store.runners.save(runner, 1_000);
    await store.runners.save({ ...runner, port: 4201, engineUrl: undefined }, 2_000);
    const [only, ...others] = await store.runners.list();
    expect(others).toEqual([]);
    expect(only!.registration).toMatchObject({ port: 4201, engineUrl: undefined });
  });

  test('heartbeats of many runners are one statement, which says whose runner is unknown', async () => {
    const { store } = given;
    for (const runnerId of ['a', 'b', 'c']) await store.runners.save({ ...runner, runnerId }, 0);
    await store.runners.delete('b');
    const known = await store.runners.saveHeartbeats(['c', 'b', 'a', 'x'].map((id, i) => beat(id, 10 + i, i)));
    expect(known).toEqual(new Set(['a', 'c']));
    expect((await store.runners.list()).map(({ lastHeartbeatAtMs }) => lastHeartbeatAtMs)).toEqual([12, 10]);
  });

  test('silent runners are found by their last heartbeat, and not deleted when they beat after all', async () => {
    const { store } = given;
    await store.runners.save(runner, 0);
    await store.runners.saveHeartbeats([beat('r1', 20_000)]);
    expect(await store.runners.silentSince(20_000)).toEqual([]);
    expect(await store.runners.silentSince(20_001)).toEqual(['r1']);
    await store.runners.deleteSilent('r1', 20_000);
    expect(await store.runners.find('r1')).toBeDefined();
    await store.runners.deleteSilent('r1', 20_001);
    expect(await store.runners.find('r1')).toBeUndefined();
  });

  if (kind === 'Postgres') {
    test('several routers may open and migrate it at the same time', async () => {
      const options = await given.stores.fresh();
      const opened = await Promise.all([1, 2, 3, 4].map(() => Store.open(options)));
      await opened[0]!.runners.save(runner, 1);
      expect(await opened[3]!.runners.list()).toHaveLength(1);
      for (const each of opened) await each.close();
    });
  }
});

describe('the embedded database', () => {
  test('keeps its rows over a restart, in a folder for its owner alone', async () => {
    await using folder = await temporaryDirectory();
    const dataDir = path.join(folder.path, 'data');
    const first = await Store.open({ dataDir });
    await first.runners.save(runner, 1_000);
    await first.close();
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    const second = await Store.open({ dataDir });
    expect(await second.runners.list()).toHaveLength(1);
    await second.close();
  });
});
