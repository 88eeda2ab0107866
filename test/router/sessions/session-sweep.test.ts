import { Coordinator } from '../../../runtime/router/coordinator/coordinator.ts';
import { Registry } from '../../../runtime/router/coordinator/registry.ts';
import { RouterMetrics } from '../../../runtime/router/metrics.ts';
import { createSessionService, type SessionService } from '../../../runtime/router/sessions/session-service.ts';
import { Store } from '../../../runtime/router/store/store.ts';
import { plainAccess } from '../../../runtime/router/upstream/engine-client.ts';
import { createLogger } from '../../../runtime/shared/log.ts';
import { FakeRunner } from '../../support/fake-runner.ts';
import { type StoreFactory, startStores, storeKinds } from '../../support/stores.ts';
import { activeSession, claim, owner, startingSession } from '../store/session-rows.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const [idleMs, endAfterMs, retentionMs] = [1_000, 5_000, 60_000];

describe.each(storeKinds)('what time does to sessions in %s', (kind) => {
  let stores: StoreFactory;
  let store: Store;
  let runner: FakeRunner;
  let registry: Registry;
  let coordinator: Coordinator;
  let service: SessionService;
  let statements: string[];
  const newService = (retention: number | undefined) =>
    createSessionService({
      ...{ store, coordinator, registry, log, metrics: new RouterMetrics() },
      ...{ secret: undefined, local: undefined, turnTimeoutMs: 1_000 },
      ...{ idleMs, endAfterMs, retentionMs: retention, maxPerKey: 1_000 },
    });
  beforeAll(async () => {
    stores = await startStores(kind);
  });
  afterAll(() => stores[Symbol.asyncDispose]());
  beforeEach(async () => {
    statements = [];
    const onStatement = (sql: string) => void statements.push(sql);
    store = await Store.open({ ...(await stores.fresh()), now: () => 0, onStatement });
    runner = await FakeRunner.start('r1');
    registry = new Registry(log, 1, plainAccess);
    coordinator = new Coordinator(registry, store, log);
    service = newService(retentionMs);
    await coordinator.register(runner.registration, 0);
  });
  afterEach(async () => {
    await service.close();
    registry.close();
    await runner[Symbol.asyncDispose]();
    await store.close();
  });

  const session = async (id: string) => {
    const row = (await store.sessions.find(owner, id))!;
    return [row.status, row.pause_reason];
  };
  const sandbox = (sessionId: string) =>
    runner.sandboxes.set(sessionId, { spec: { sessionId, agent: 'chat' }, memory: [], turns: 0, isBusy: false });

  test('an idle session is paused and gives its sandbox back; later it is ended', async () => {
    await activeSession(store, 's1', 0);
    sandbox('s1');
    await service.sweep(idleMs);
    expect(await session('s1')).toEqual(['active', null]);
    await service.sweep(idleMs + 1);
    expect(await session('s1')).toEqual(['paused', 'idle']);
    expect(runner.sandboxes.size).toBe(0);
    await service.sweep(idleMs + 1 + endAfterMs);
    expect(await session('s1')).toEqual(['paused', 'idle']);
    await service.sweep(idleMs + 2 + endAfterMs);
    expect(await session('s1')).toEqual(['ended', null]);
  });

  test('an ended session is deleted when its retention is over, many in several statements', async () => {
    for (let i = 0; i < 150; i++) {
      await startingSession(store, `s${i}`, 0);
      await store.sessions.end(owner, `s${i}`, 0);
    }
    const left = async () => (await store.sessions.list({ ownerKeyId: owner, limit: 200 })).length;
    await service.sweep(retentionMs);
    expect(await left()).toBe(150);
    statements.length = 0;
    await service.sweep(retentionMs + 1);
    expect(await left()).toBe(0);
    // A hundred, the rest, and the look that finds nothing more.
    expect(statements.filter((sql) => /delete from sessions/.test(sql))).toHaveLength(3);
  });

  test('without a retention it is kept', async () => {
    await activeSession(store, 's1', 0);
    await store.sessions.end(owner, 's1', 0);
    const keeping = newService(undefined);
    await keeping.sweep(1e12);
    expect(await session('s1')).toEqual(['ended', null]);
    await keeping.close();
  });

  test('a session that is answering is not idle', async () => {
    await activeSession(store, 's1', 0);
    await coordinator.keepLease(100_000);
    await store.turns.claim(claim('s1', 't1', coordinator.leaseId), 1);
    await service.sweep(100_000);
    expect(await session('s1')).toEqual(['active', null]);
  });

  test('a turn whose router is gone is given up with its sandbox', async () => {
    await activeSession(store, 's1', 0);
    sandbox('s1');
    await store.turns.claim(claim('s1', 't1', 'a router that was killed'), 1);
    await service.sweep(30_000);
    expect(await session('s1')).toEqual(['paused', 'router-lost']);
    expect(runner.sandboxes.size).toBe(0);
  });

  test('a start whose router is gone is given up', async () => {
    await startingSession(store, 's1', 0, 'a router that was killed');
    await service.sweep(30_000);
    expect(await session('s1')).toEqual(['paused', 'router-lost']);
  });

  test('a start that its router never finishes is given up', async () => {
    await coordinator.keepLease(300_000);
    await startingSession(store, 's1', 0, coordinator.leaseId);
    await service.sweep(300_000);
    expect(await session('s1')).toEqual(['starting', null]);
    await service.sweep(300_001);
    expect(await session('s1')).toEqual(['paused', 'router-lost']);
  });

  test('a session on a runner that is not in the store is paused', async () => {
    await activeSession(store, 's1', 0);
    await store.runners.delete('r1');
    await service.sweep(1);
    expect(await session('s1')).toEqual(['paused', 'runner-lost']);
  });

  test('sandboxes that no session is in are ended, those of sessions and of nobody known are left', async () => {
    await activeSession(store, 'here', 0);
    await activeSession(store, 'gone', 0);
    await store.sessions.pause(owner, 'gone', 0);
    for (const id of ['here', 'gone', "another router's"]) sandbox(id);
    await coordinator.heartbeat({ runnerId: 'r1', activeCount: 3, warmingCount: 0 }, 0);
    await service.sweep(1);
    expect([...runner.sandboxes.keys()]).toEqual(['here', "another router's"]);
  });

  test('runners with as many sandboxes as sessions are not asked for them', async () => {
    await activeSession(store, 'here', 0);
    await coordinator.heartbeat({ runnerId: 'r1', activeCount: 1, warmingCount: 0 }, 0);
    await service.sweep(1);
    expect(runner.calls).toEqual([]);
  });

  test('of many runners that count too many sandboxes some are asked in each sweep, in turn', async () => {
    const ids = Array.from({ length: 60 }, (_, index) => `many-${index}`);
    for (const runnerId of ids) await coordinator.register({ ...runner.registration, runnerId }, 0);
    for (const runnerId of ids) await coordinator.heartbeat({ runnerId, activeCount: 1, warmingCount: 0 }, 0);
    await service.sweep(1);
    expect(runner.calls).toHaveLength(50);
    expect(service.backends.size).toBe(50);
    await service.sweep(1);
    expect(service.backends.size).toBe(60);
  });

  test('a message to a session whose router is gone frees it for a resumption at once', async () => {
    await coordinator.register(runner.registration, Date.now());
    await activeSession(store, 's1', Date.now());
    await store.turns.claim(claim('s1', 't1', 'a router that was killed'), Date.now());
    const message = { sessionId: 's1', ownerKeyId: owner, content: 'hello', idempotencyKey: undefined };
    await expect(service.turns.take(message)).rejects.toMatchObject({ code: 'SESSION_PAUSED' });
    expect(await session('s1')).toEqual(['paused', 'router-lost']);
  });
});
