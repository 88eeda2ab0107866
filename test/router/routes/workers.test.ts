import { eventually } from '../../support/eventually.ts';
import { startScriptedEngine } from '../../support/scripted-engine.ts';
import { startTestAdminServer, type TestAdminServer } from './test-admin-server.ts';

const silentUrl = 'http://127.0.0.1:1';
const only = (admin: TestAdminServer) => admin.registry.workers[0]!;
const states = (admin: TestAdminServer) => admin.registry.workers.map(({ state }) => state);
const json = (body: unknown) => ({ headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

test('a worker that is added takes requests by the time the answer comes', async () => {
  await using engine = await startScriptedEngine();
  await using admin = await startTestAdminServer();
  const added = await admin.call('POST', `/add_worker?url=${engine.url}`);
  expect([added.status, added.text]).toEqual([200, `Successfully added worker: ${engine.url}`]);
  expect(states(admin)).toEqual(['ready']);
  expect(JSON.parse((await admin.call('GET', '/list_workers')).text)).toEqual({ urls: [engine.url] });
});

test('an engine that is not up yet is added all the same, and the answer says so', async () => {
  await using admin = await startTestAdminServer();
  const added = await admin.call('POST', `/add_worker?url=${encodeURIComponent(`${silentUrl}/`)}&timeout=0`);
  expect(added.status).toBe(200);
  expect(added.text).toMatch(/^Successfully added worker: http:\/\/127\.0\.0\.1:1\/ \(not ready yet/);
  expect(states(admin)).toEqual(['starting']);
  await admin.call('POST', `/add_worker?url=${silentUrl}&timeout=0`);
  expect(admin.registry.workers).toHaveLength(1);
});

test('a worker without requests is removed at once', async () => {
  await using admin = await startTestAdminServer();
  admin.registry.addStatic(silentUrl);
  const removed = await admin.call('POST', `/remove_worker?url=${silentUrl}`);
  expect([removed.status, removed.text]).toEqual([200, `Successfully removed worker: ${silentUrl}`]);
  expect(admin.registry.workers).toEqual([]);
});

test('removal gives a worker no new requests and waits for those in flight', async () => {
  await using admin = await startTestAdminServer();
  const worker = admin.registry.addStatic(silentUrl);
  admin.registry.setState(worker, 'ready', 'test');
  worker.inFlightRequests = 2;
  const removal = admin.call('POST', `/remove_worker?url=${silentUrl}`);
  await eventually(() => expect(worker.state).toBe('draining'));
  expect(admin.registry.ready).toEqual([]);
  worker.inFlightRequests = 0;
  const removed = await removal;
  expect(removed.status).toBe(200);
  expect(removed.text).toMatch(/^Successfully removed worker: \S+ \(waited [\d.]+ s for 2 in flight\)$/);
  expect(worker.state).toBe('gone');
});

test('whoever stops waiting is told what is left, and the removal goes on', async () => {
  await using admin = await startTestAdminServer();
  const worker = admin.registry.addStatic(silentUrl);
  worker.inFlightRequests = 3;
  const early = await admin.call('POST', `/remove_worker?url=${silentUrl}&timeout=0`);
  expect([early.status, early.text]).toEqual([202, expect.stringContaining('in flight have ended: 3')]);
  const again = admin.call('DELETE', `/workers/${worker.id}`);
  worker.inFlightRequests = 0;
  const report = JSON.parse((await again).text) as object;
  expect(report).toMatchObject({ removed: true, in_flight: 0, in_flight_at_start: 3 });
  expect(admin.registry.workers).toEqual([]);
});

test('a worker that is added again while it drains stays', async () => {
  await using engine = await startScriptedEngine();
  await using admin = await startTestAdminServer();
  await admin.call('POST', `/add_worker?url=${engine.url}`);
  only(admin).inFlightRequests = 1;
  const removal = admin.call('POST', `/remove_worker?url=${engine.url}`);
  await eventually(() => expect(states(admin)).toEqual(['draining']));
  await admin.call('POST', `/add_worker?url=${engine.url}`);
  expect((await removal).status).toBe(202);
  only(admin).inFlightRequests = 0;
  expect(states(admin)).toEqual(['ready']);
  expect((await admin.call('POST', `/remove_worker?url=${engine.url}`)).status).toBe(200);
  expect(admin.registry.workers).toEqual([]);
});

test('the later worker API answers as sglang-router does', async () => {
  await using engine = await startScriptedEngine();
  await using admin = await startTestAdminServer();
  const body = { url: engine.url, worker_type: 'regular', priority: 80, labels: { zone: 'a' } };
  const created = await admin.call('POST', '/workers', json(body));
  const location = `/workers/${encodeURIComponent(engine.id)}`;
  expect([created.status, created.headers.get('location')]).toEqual([202, location]);
  expect(JSON.parse(created.text)).toMatchObject({
    status: 'accepted',
    worker_id: engine.id,
    url: engine.url,
    location,
  });
  await eventually(() => expect(states(admin)).toEqual(['ready']));

  const info = {
    id: engine.id,
    url: engine.url,
    model_id: 'scripted',
    priority: 50,
    cost: 1,
    worker_type: 'regular',
    is_healthy: true,
    load: 0,
    connection_mode: 'http',
  };
  expect(JSON.parse((await admin.call('GET', '/workers')).text)).toMatchObject({
    workers: [info],
    total: 1,
    stats: { prefill_count: 0, decode_count: 0, regular_count: 1 },
  });
  expect(JSON.parse((await admin.call('GET', location)).text)).toMatchObject(info);

  const removed = await admin.call('DELETE', `/workers/${encodeURIComponent(engine.url)}`);
  expect(removed.status).toBe(202);
  expect(JSON.parse(removed.text)).toMatchObject({ status: 'accepted', worker_id: engine.id, removed: true });
  expect((await admin.call('GET', location)).status).toBe(404);
});

test.each([
  ['POST', '/add_worker', 'url: expected the base URL'],
  ['POST', '/add_worker?url=10.0.0.5:7999', 'url: expected the base URL'],
  ['POST', '/add_worker?url=grpc://h:1', 'url: expected the base URL'],
  ['POST', '/add_worker?url=http://h:1/v1', 'url: expected the base URL'],
  ['POST', '/add_worker?url=http://h:1&timeout=soon', 'timeout: expected seconds'],
  ['POST', '/add_worker?url=http://h:1&api_key=k', 'api_key: this router has no keys of single engines'],
  ['POST', '/remove_worker', 'url: expected the URL or the id'],
])('%s %s is a mistake that is explained', async (method, path, detail) => {
  await using admin = await startTestAdminServer();
  const answer = await admin.call(method, path);
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.text)).toMatchObject({
    error: { code: 'INVALID_BODY', message: expect.stringContaining(detail) },
  });
  expect(admin.registry.workers).toEqual([]);
});

test('a worker of another kind is refused', async () => {
  await using admin = await startTestAdminServer();
  const prefill = await admin.call('POST', '/workers', json({ url: silentUrl, worker_type: 'prefill' }));
  expect([prefill.status, prefill.text]).toEqual([400, expect.stringContaining('only \\"regular\\" workers')]);
  expect((await admin.call('POST', '/workers')).status).toBe(400);
});

test('an unknown worker is a 404', async () => {
  await using admin = await startTestAdminServer();
  for (const [method, path] of [
    ['POST', `/remove_worker?url=${silentUrl}`],
    ['DELETE', '/workers/h:1'],
    ['GET', '/workers/h:1'],
  ] as const) {
    const answer = await admin.call(method, path);
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([404, { error: { code: 'UNKNOWN_WORKER' } }]);
  }
});

test('a worker that a runner brought cannot be removed here', async () => {
  await using admin = await startTestAdminServer();
  const engine = { engineUrl: silentUrl, engineState: 'ready' as const };
  admin.registry.registerRunner({ runnerId: 'r1', host: 'h', port: 4200, maxSandboxes: 0, ...engine }, 0);
  const answer = await admin.call('POST', `/remove_worker?url=${silentUrl}`);
  expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
    409,
    { error: { code: 'WORKER_NOT_STATIC', message: expect.stringContaining('runner') } },
  ]);
  expect(only(admin).state).toBe('starting');
});
