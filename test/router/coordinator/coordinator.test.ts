import { Coordinator } from '../../../runtime/router/coordinator/coordinator.ts';
import { Registry } from '../../../runtime/router/coordinator/registry.ts';
import { RunnerBackends } from '../../../runtime/router/sessions/runner-backends.ts';
import { Store } from '../../../runtime/router/store/store.ts';
import { plainAccess } from '../../../runtime/router/upstream/engine-client.ts';
import { createLogger } from '../../../runtime/shared/log.ts';
import { type StoreFactory, startStores, storeKinds } from '../../support/stores.ts';
import { activeSession, owner, startingSession } from '../store/session-rows.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const runner = { runnerId: 'r1', host: '10.0.0.5', port: 4200, maxSandboxes: 100, engineUrl: 'http://10.0.0.5:7999' };
const heartbeat = { runnerId: 'r1', activeCount: 0, warmingCount: 0 };

describe.each(storeKinds)('coordinators on %s', (kind) => {
  let stores: StoreFactory;
  let store: Store;
  let statements: string[];
  let registries: Registry[];
  let one: Coordinator;
  let two: Coordinator;
  beforeAll(async () => {
    stores = await startStores(kind);
  });
  afterAll(() => stores[Symbol.asyncDispose]());
  beforeEach(async () => {
    statements = [];
    const onStatement = (sql: string) => void statements.push(sql.replaceAll('"', ''));
    store = await Store.open({ ...(await stores.fresh()), onStatement, now: () => 0 });
    registries = [1, 2].map(() => new Registry(log, 1024 * 1024, plainAccess));
    [one, two] = registries.map((registry) => new Coordinator(registry, store, log)) as [Coordinator, Coordinator];
  });
  afterEach(async () => {
    for (const registry of registries) registry.close();
    await store.close();
  });

  const sent = (pattern: RegExp) => statements.filter((sql) => pattern.test(sql));
  const statusOf = async (id: string) => (await store.sessions.find(owner, id))!.status;

  test('a heartbeat of an unknown runner is refused, also when another coordinator removed it', async () => {
    expect(await one.heartbeat(heartbeat, 0)).toBe(false);
    await one.register(runner, 0);
    expect(await one.heartbeat(heartbeat, 1)).toBe(true);
    await two.deregister('r1', 2);
    expect(await one.heartbeat(heartbeat, 3)).toBe(false);
  });

  test('a runner without a heartbeat for 30 s is dead', async () => {
    await one.register(runner, 0);
    await one.heartbeat(heartbeat, 5_000);
    await one.sweep(35_000);
    expect(registries[0]!.workers).toHaveLength(1);
    await one.sweep(35_001);
    expect(registries[0]!.workers).toEqual([]);
    expect(one.runners.size).toBe(0);
    expect(await store.runners.list()).toEqual([]);
  });

  test('one query finds the dead, one statement for each pauses all its active and starting sessions', async () => {
    await one.register(runner, 0);
    for (let i = 0; i < 20; i++) await activeSession(store, `s${i}`);
    await startingSession(store, 'starting');
    await store.sessions.place({ sessionId: 'starting', aliveSinceMs: 0, excluded: [], preferred: [], nowMs: 0 });
    await store.sessions.end(owner, 's0', 1);
    statements.length = 0;
    await one.sweep(30_001);
    expect(sent(/^select id from runners where last_heartbeat_at_ms </)).toHaveLength(1);
    expect(sent(/^update sessions/)).toHaveLength(1);
    expect(await statusOf('s0')).toBe('ended');
    expect(await statusOf('starting')).toBe('paused');
    expect(await store.sessions.find(owner, 's7')).toMatchObject({
      ...{ status: 'paused', pause_reason: 'runner-lost', runner_id: null, last_runner_id: 'r1' },
    });
  });

  test('two coordinators may sweep the same dead runner at the same time', async () => {
    await one.register(runner, 0);
    await two.sync(0);
    for (let i = 0; i < 5; i++) await activeSession(store, `s${i}`);
    const counts: number[] = [];
    for (const each of [one, two]) each.on('sessions-paused', (_reason, count) => void counts.push(count));
    await Promise.all([one.sweep(30_001), two.sweep(30_001)]);
    await Promise.all([one.sweep(30_002), two.sweep(30_002)]);
    expect(counts.reduce((a, b) => a + b, 0)).toBe(5);
    expect([one.runners.size, two.runners.size]).toEqual([0, 0]);
  });

  test('a runner that beats after it was found silent keeps its sessions and its row', async () => {
    await one.register(runner, 0);
    await activeSession(store, 's1');
    await two.heartbeat(heartbeat, 30_000);
    expect(await store.expiry.pauseAllOfSilent('r1', 1, 30_001)).toBe(0);
    await store.runners.deleteSilent('r1', 1);
    await one.sweep(30_001);
    expect(await statusOf('s1')).toBe('active');
  });

  test('deregistration pauses all sessions in one statement', async () => {
    await one.register(runner, 0);
    for (let i = 0; i < 5; i++) await activeSession(store, `s${i}`);
    statements.length = 0;
    await one.deregister('r1', 1);
    expect(sent(/^update sessions/)).toHaveLength(1);
    expect(await store.sessions.find(owner, 's3')).toMatchObject({ status: 'paused', pause_reason: 'runner-left' });
    await one.deregister('r1', 2);
  });

  test('a runner that registered with one coordinator serves the other, engine and sandboxes, and leaves it too', async () => {
    await one.register(runner, 0);
    await two.sync(1);
    expect(registries[1]!.workers.map(({ id }) => id)).toEqual(['10.0.0.5:7999']);
    const backends = new RunnerBackends({ coordinator: two, secret: undefined });
    expect(await backends.of('r1')).toBeDefined();
    await one.deregister('r1', 2);
    await two.sync(3);
    expect([backends.size, registries[1]!.workers, two.runners.size]).toEqual([0, [], 0]);
    expect(await backends.of('r1')).toBeUndefined();
    await backends.close();
  });

  test('a runner that another coordinator registered is found before the next look at the store', async () => {
    await one.register(runner, 0);
    const backends = new RunnerBackends({ coordinator: two, secret: undefined });
    expect(await backends.of('r1')).toBeDefined();
    await backends.close();
    expect(await two.heartbeat(heartbeat, 1)).toBe(true);
  });

  test('a runner that comes back at another address gets another backend', async () => {
    await one.register(runner, 0);
    const backends = new RunnerBackends({ coordinator: one, secret: undefined });
    const former = await backends.of('r1');
    await one.register(runner, 1);
    expect(await backends.of('r1')).toBe(former);
    await one.register({ ...runner, port: 4300 }, 2);
    expect(await backends.of('r1')).not.toBe(former);
    await backends.close();
  });

  test("news of the engine that another coordinator heard reaches this one's registry", async () => {
    await one.register(runner, 0);
    await two.sync(0);
    await one.heartbeat({ ...heartbeat, engineState: 'draining' }, 5);
    await two.sync(6);
    expect(registries[1]!.workers[0]!.state).toBe('draining');
  });

  test('what a runner pushed here is not undone by what the store heard before; it costs the store nothing', async () => {
    await one.register(runner, 0);
    await two.sync(0);
    await one.heartbeat({ ...heartbeat, engineState: 'ready' }, 5);
    statements.length = 0;
    two.hearLoad('r1', { engineState: 'draining', activeCount: 0, warmingCount: 0 }, true, 6);
    expect(statements).toEqual([]);
    await two.sync(7);
    expect(registries[1]!.workers[0]!.state).toBe('draining');
    await one.heartbeat({ ...heartbeat, engineState: 'ready' }, 8);
    await two.sync(9);
    expect(registries[1]!.workers[0]!.state).toBe('starting');
  });

  test('a report is no sign of life', async () => {
    await one.register(runner, 0);
    one.hearLoad('r1', { engineState: 'ready', activeCount: 0, warmingCount: 0 }, true, 30_000);
    await one.sweep(30_001);
    expect([one.runners.size, registries[0]!.workers]).toEqual([0, []]);
    one.hearLoad('r1', { engineState: 'ready', activeCount: 0, warmingCount: 0 }, true, 30_002);
  });

  test('a restarted coordinator knows the runners of its last run that are alive', async () => {
    await one.register(runner, 0);
    await one.register({ ...runner, runnerId: 'silent', engineUrl: undefined }, 0);
    await one.heartbeat(heartbeat, 40_000);
    await two.start(45_000);
    expect(two.runners.entries().map(([id]) => id)).toEqual(['r1']);
  });

  test('after the process stood still nobody is dead before it could be heard', async () => {
    await one.register(runner, 0);
    one.noteStandstill(60_000);
    await one.sweep(60_000);
    expect(one.runners.size).toBe(1);
    await one.sweep(90_000);
    expect(one.runners.size).toBe(0);
  });
});

test('its id is hostname-pid', () => {
  const registry = new Registry(log, 1, plainAccess);
  expect(new Coordinator(registry, undefined as never, log).id).toMatch(new RegExp(`.+-${process.pid}$`));
});
