import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Store } from '../../../runtime/router/store/store.ts';

const runner = { runnerId: 'r1', host: '10.0.0.5', port: 4200, maxSandboxes: 4, engineUrl: 'http://10.0.0.5:7999' };

let dataDir: string;
beforeEach(async () => {
  dataDir = path.join(await mkdtemp(path.join(tmpdir(), 'store-')), 'data');
});
afterEach(() => rm(path.dirname(dataDir), { recursive: true }));

test('remembers runners over a restart, with their last heartbeat', async () => {
  const first = await Store.open(dataDir);
  await first.saveRunner(runner, 1_000);
  expect(await first.saveHeartbeat({ runnerId: 'r1', activeCount: 2, warmingCount: 1 }, 5_000)).toBe(true);
  await first.close();

  const second = await Store.open(dataDir);
  expect(await second.runnersAliveSince(5_000)).toMatchObject([{ registration: runner, lastHeartbeatAtMs: 5_000 }]);
  expect(await second.runnersAliveSince(5_001)).toEqual([]);
  await second.close();
});

test('a second registration replaces the first', async () => {
  const store = await Store.open(dataDir);
  await store.saveRunner(runner, 1_000);
  await store.saveRunner({ ...runner, port: 4201, engineUrl: undefined }, 2_000);
  const [only, ...others] = await store.runnersAliveSince(0);
  expect(others).toEqual([]);
  expect(only!.registration).toMatchObject({ port: 4201, engineUrl: undefined });
  await store.close();
});

test('a heartbeat of an unknown or deleted runner says so', async () => {
  const store = await Store.open(undefined);
  const heartbeat = { runnerId: 'r1', activeCount: 0, warmingCount: 0 };
  expect(await store.saveHeartbeat(heartbeat, 1)).toBe(false);
  await store.saveRunner(runner, 1);
  await store.deleteRunner('r1');
  expect(await store.saveHeartbeat(heartbeat, 2)).toBe(false);
  await store.close();
});

test('its folder is for its owner alone', async () => {
  const store = await Store.open(dataDir);
  expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  await store.close();
});
