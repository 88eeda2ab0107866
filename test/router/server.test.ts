import { eventually } from '../support/eventually.ts';
import { sendJson, startScriptedEngine } from '../support/scripted-engine.ts';
import { startTestRouter, type TestRouter } from '../support/test-router.ts';

const runner = (engineUrl: string) => ({ runnerId: 'r1', host: '127.0.0.1', port: 4200, maxSandboxes: 2, engineUrl });

const post = (router: TestRouter, path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${router.url}/api/internal/runners/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

test('a runner registers, beats, is proven, and leaves', async () => {
  await using engine = await startScriptedEngine();
  await using router = await startTestRouter();
  const heartbeat = { runnerId: 'r1', activeCount: 1, warmingCount: 0 };
  const unknown = await post(router, 'heartbeat', heartbeat);
  expect([unknown.status, await unknown.json()]).toMatchObject([404, { error: { code: 'UNKNOWN_RUNNER' } }]);

  expect((await post(router, 'register', runner(engine.url))).status).toBe(200);
  const load = { runningRequests: 3, waitingRequests: 1, usedTokens: 50, maxTotalTokens: 1_000 };
  expect((await post(router, 'heartbeat', { ...heartbeat, load })).status).toBe(200);
  await eventually(async () =>
    expect((await router.fleet()).workers).toMatchObject([{ state: 'ready', model: 'scripted', runnerId: 'r1', load }]),
  );
  expect((await post(router, 'deregister', { runnerId: 'r1' })).status).toBe(200);
  expect((await router.fleet()).workers).toEqual([]);
});

test('a runner that hosts no engine may beat', async () => {
  await using router = await startTestRouter();
  await post(router, 'register', { runnerId: 'r2', host: 'h', port: 1, maxSandboxes: 8 });
  expect((await post(router, 'heartbeat', { runnerId: 'r2', activeCount: 0, warmingCount: 0 })).status).toBe(200);
});

test('a registration with mistakes names every one of them', async () => {
  await using router = await startTestRouter();
  const response = await post(router, 'register', { runnerId: '', port: 70_000, maxSandboxes: 1.5 });
  expect(response.status).toBe(400);
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  expect(error.code).toBe('INVALID_BODY');
  for (const field of ['runnerId', 'host', 'port', 'maxSandboxes']) expect(error.message).toContain(`${field}:`);
});

test('internal routes need the secret when there is one, the others do not', async () => {
  await using router = await startTestRouter({ internalSecret: 'open sesame'.replace(' ', '-') });
  const body = { runnerId: 'r', host: 'h', port: 1, maxSandboxes: 0 };
  expect((await post(router, 'register', body)).status).toBe(401);
  expect((await post(router, 'register', body, { authorization: 'Bearer wrong' })).status).toBe(401);
  expect((await post(router, 'register', body, { authorization: 'bearer open-sesame' })).status).toBe(200);
  expect((await fetch(`${router.url}/health`)).status).toBe(200);
});

test('health tells who answers and counts workers; ready tells whether requests can be answered', async () => {
  await using engine = await startScriptedEngine();
  await using empty = await startTestRouter();
  expect((await fetch(`${empty.url}/ready`)).status).toBe(503);
  await using router = await startTestRouter({ workerUrls: [engine.url] });
  expect((await fetch(`${router.url}/ready`)).status).toBe(200);
  expect(await (await fetch(`${router.url}/health`)).json()).toMatchObject({
    status: 'ok',
    coordinatorId: expect.stringMatching(/-\d+$/),
    workers: { ready: 1, starting: 0, suspect: 0, draining: 0 },
  });
});

test('health says so while the router shuts down, so that a load balancer turns to another one', async () => {
  const gates: (() => void)[] = [];
  await using engine = await startScriptedEngine((response) => void gates.push(() => sendJson(response, {})));
  const router = await startTestRouter({ workerUrls: [engine.url] });
  const answer = router.chat({ messages: [{ role: 'user', content: 'hi' }] });
  await eventually(() => expect(gates).toHaveLength(1));
  const closed = router[Symbol.asyncDispose]();
  const health = await fetch(`${router.url}/health`);
  expect([health.status, await health.json()]).toMatchObject([503, { status: 'shutting down' }]);
  gates[0]!();
  expect((await answer).status).toBe(200);
  await closed;
});

test('models are the union over workers, each once', async () => {
  await using a = await startScriptedEngine(undefined, 'org/model-a');
  await using b = await startScriptedEngine(undefined, 'model-b');
  await using twin = await startScriptedEngine(undefined, 'model-b');
  await using router = await startTestRouter({ workerUrls: [a.url, b.url, twin.url] });
  const { data } = (await (await fetch(`${router.url}/v1/models`)).json()) as { data: { id: string }[] };
  expect(data.map(({ id }) => id).sort()).toEqual(['model-b', 'org/model-a']);
  expect(await (await fetch(`${router.url}/v1/models/org/model-a`)).json()).toMatchObject({ id: 'org/model-a' });
  expect((await fetch(`${router.url}/v1/models/other`)).status).toBe(404);
});

test('an unknown path is a 404 in the shape of OpenAI errors, with a request id', async () => {
  await using router = await startTestRouter();
  const response = await fetch(`${router.url}/v1/unknown?x=1`);
  expect(response.status).toBe(404);
  expect(response.headers.get('x-fleet-request-id')).toMatch(/^[0-9a-f]{32}$/);
  expect(await response.json()).toMatchObject({
    error: { code: 'UNKNOWN_ROUTE', message: expect.stringContaining('GET /v1/unknown') },
  });
});

test('a port that is taken is an error that names it', async () => {
  await using router = await startTestRouter();
  await expect(startTestRouter({ port: Number(new URL(router.url).port) })).rejects.toThrow('EADDRINUSE');
});
