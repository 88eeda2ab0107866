import { eventually } from '../../support/eventually.ts';
import { expectIdle, question, startOne, startPair, streamed } from '../../support/relay-fleet.ts';
import { delta, type ScriptedEngine, sendJson, sse, startScriptedEngine } from '../../support/scripted-engine.ts';
import { startTestRouter } from '../../support/test-router.ts';

test('a stream that is silent gets comments, before its first byte and between events, never inside one', async () => {
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
  await using engine = await startScriptedEngine(async (response) => {
    await mayEnd;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(sse(delta('a'), '[DONE]'));
  });
  await using router = await startTestRouter({ workerUrls: [engine.url], heartbeatSeconds: 0.1 });
  const response = await router.chat(streamed);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  const reader = response.body!.getReader();
  expect(Buffer.from((await reader.read()).value!).toString()).toBe(': ping\n\n');
  end();
  let rest = '';
  for (let part = await reader.read(); !part.done; part = await reader.read())
    rest += Buffer.from(part.value).toString();
  expect(rest.replaceAll(': ping\n\n', '')).toBe(sse(delta('a'), '[DONE]'));
});

test('a request that was no stream is left alone while it waits', async () => {
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
  await using engine = await startScriptedEngine(async (response) => {
    await mayEnd;
    sendJson(response, { ok: true });
  });
  await using router = await startTestRouter({ workerUrls: [engine.url], heartbeatSeconds: 0.01 });
  const answer = router.chat(question);
  const stream = router.chat(streamed);
  // Once the stream has begun with its comment, the other had the same chance to.
  expect((await stream).status).toBe(200);
  end();
  expect(await (await answer).text()).toBe('{"ok":true}');
  await (await stream).text();
});

describe('a request that has not been answered yet survives', () => {
  test('a worker that refuses connections', async () => {
    await using fleet = await startPair();
    await fleet.engines[0].die();
    const statuses = await Promise.all([1, 2, 3, 4].map(async () => (await fleet.router.chat(question)).status));
    expect(statuses).toEqual([200, 200, 200, 200]);
    expect(fleet.engines[1].seen).toHaveLength(4);
  });

  test('a worker that dies before its first byte', async () => {
    await using fleet = await startPair();
    fleet.engines[0].script = (_response, { request }) => void request.socket.resetAndDestroy();
    for (let i = 0; i < 2; i++) expect((await fleet.router.chat(streamed)).status).toBe(200);
    expect(await fleet.router.metrics()).toContain('fleet_router_retries_total{reason="reset"} 1');
    await expectIdle(fleet.router);
  });

  test('an overload that hides in a 200', async () => {
    await using fleet = await startPair();
    const refuse: ScriptedEngine['script'] = (response) => {
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(sse({ error: { message: 'The request queue is full.', code: 503 } }, '[DONE]'));
    };
    fleet.engines[0].script = refuse;
    fleet.engines[1].script = (response) =>
      void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(sse(delta('fine'), '[DONE]'));
    for (let i = 0; i < 2; i++) expect(await (await fleet.router.chat(streamed)).text()).toContain('fine');

    fleet.engines[1].script = refuse;
    const refused = await fleet.router.chat(streamed);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({
      error: { code: 'ENGINE_OVERLOADED', message: expect.stringContaining('queue is full') },
    });
  });

  test('a 503 is tried elsewhere, and passed on when every worker says it', async () => {
    await using fleet = await startPair();
    fleet.engines[0].script = (response) => sendJson(response, { message: 'full' }, 503);
    for (let i = 0; i < 2; i++) expect((await fleet.router.chat(question)).status).toBe(200);
    fleet.engines[1].script = fleet.engines[0].script;
    const refused = await fleet.router.chat(question);
    expect([refused.status, await refused.json()]).toEqual([503, { message: 'full' }]);
  });

  test('a worker that takes requests and never answers, while its health checks are fine', async () => {
    await using fleet = await startPair();
    fleet.engines[0].isHung = true;
    const statuses = await Promise.all(
      [1, 2, 3, 4].map(async (n) => (await fleet.router.chat(n % 2 ? streamed : question)).status),
    );
    expect(statuses).toEqual([200, 200, 200, 200]);
    expect(fleet.engines[1].seen).toHaveLength(4);
    expect(await fleet.router.metrics()).toContain('fleet_router_retries_total{reason="stall"} 2');
    await expectIdle(fleet.router);
  });

  test('an idle connection that the engine had just closed', async () => {
    await using fleet = await startOne();
    await fleet.router.chat(question);
    const answerAndClose: ScriptedEngine['script'] = (response, { request }) => {
      sendJson(response, {});
      response.on('finish', () => setImmediate(() => request.socket.destroy()));
    };
    fleet.engine.script = answerAndClose;
    for (let i = 0; i < 20; i++) expect((await fleet.router.chat(question)).status).toBe(200);
  });

  test('the time in which no worker is ready', async () => {
    const engine = await startScriptedEngine();
    await using router = await startTestRouter({ holdSeconds: 20 });
    const answer = router.chat(question);
    await eventually(async () => expect(await router.metrics()).toContain('fleet_router_held_requests 1'));
    await fetch(`${router.url}/api/internal/runners/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ runnerId: 'r', host: '127.0.0.1', port: 4200, maxSandboxes: 0, engineUrl: engine.url }),
    });
    expect((await answer).status).toBe(200);
    await engine[Symbol.asyncDispose]();
  });
});

test('a hold that lasted too long is a 503 that says when to come back', async () => {
  await using router = await startTestRouter({ holdSeconds: 0.05 });
  const response = await router.chat(question);
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('5');
  expect(await response.json()).toMatchObject({ error: { code: 'NO_READY_WORKER', type: 'overloaded_error' } });
});

test('a router that shuts down lets held requests go at once', async () => {
  const router = await startTestRouter({ holdSeconds: 60 });
  const answer = router.chat(question);
  await eventually(async () => expect(await router.metrics()).toContain('fleet_router_held_requests 1'));
  const closed = router[Symbol.asyncDispose]();
  const response = await answer;
  expect([response.status, await response.json()]).toMatchObject([503, { error: { code: 'SHUTTING_DOWN' } }]);
  await closed;
});
