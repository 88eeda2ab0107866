import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { eventually } from '../../support/eventually.ts';
import { delta, type ScriptedEngine, sendJson, sse, startScriptedEngine } from '../../support/scripted-engine.ts';
import { startTestRouter, type TestRouter } from '../../support/test-router.ts';

const question = { model: 'scripted', messages: [{ role: 'user', content: 'hi' }] };
const streamed = { ...question, stream: true };

async function startPair() {
  const engines = [await startScriptedEngine(), await startScriptedEngine()] as const;
  const router = await startTestRouter({ workerUrls: engines.map(({ url }) => url), policy: 'round-robin' });
  return {
    engines,
    router,
    async [Symbol.asyncDispose]() {
      await router[Symbol.asyncDispose]();
      for (const engine of engines) await engine[Symbol.asyncDispose]();
    },
  };
}

async function startOne(script?: ScriptedEngine['script']) {
  const engine = await startScriptedEngine(script);
  const router = await startTestRouter({ workerUrls: [engine.url], holdSeconds: 0.3 });
  return {
    engine,
    router,
    async [Symbol.asyncDispose]() {
      await router[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

/** Every counter that went up has come down. */
async function expectIdle(router: TestRouter) {
  await eventually(async () => {
    for (const worker of (await router.fleet()).workers) {
      expect(worker).toMatchObject({ inFlightRequests: 0, inFlightTokens: 0 });
    }
  });
}

describe('what reaches the engine', () => {
  test('the body byte for byte, with one id spliced in, and query and headers as they came', async () => {
    await using fleet = await startOne();
    const body =
      '{ "unknown" : [1, 2.50e3, {"deep":null}],\n\t"messages":[{"role":"user","content":"\\u00e9 é"}], "messages2":0}';
    const response = await fetch(`${fleet.router.url}/v1/chat/completions?trace=1&x=%20y`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Custom-Thing': 'Väl', Cookie: 'a=b' },
      body,
    });
    const id = response.headers.get('x-fleet-request-id')!;
    const [seen] = fleet.engine.seen;
    expect(seen!.body.toString()).toBe(body.replace('{', `{"rid":"${id}",`));
    expect(seen!.target).toBe('/v1/chat/completions?trace=1&x=%20y');
    expect(seen!.request.headers).toMatchObject({ 'x-custom-thing': 'Väl', cookie: 'a=b', host: fleet.engine.id });
  });

  test('no header by which a client would override the id, rank or priority of its request', async () => {
    await using fleet = await startOne();
    await fetch(`${fleet.router.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'X-Override-Rid': 'another', 'x-overridden': 'kept' },
      body: JSON.stringify(question),
    });
    const { headers } = fleet.engine.seen[0]!.request;
    expect(headers['x-overridden']).toBe('kept');
    expect(headers).not.toHaveProperty('x-override-rid');
  });

  test('nothing of a connection: hop-by-hop headers stay behind', async () => {
    await using fleet = await startOne();
    const request = http.request(`${fleet.router.url}/v1/completions`, {
      method: 'POST',
      headers: {
        connection: 'close, x-hop',
        'x-hop': '1',
        'x-end': '2',
        te: 'trailers',
        'transfer-encoding': 'chunked',
      },
    });
    request.end('{"prompt":"a"}');
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    await once(response, 'end');
    const { headers } = fleet.engine.seen[0]!.request;
    expect(headers['x-end']).toBe('2');
    expect(headers).not.toHaveProperty('x-hop');
    expect(headers).not.toHaveProperty('te');
    expect(headers).not.toHaveProperty('transfer-encoding');
  });

  test('a body that is not JSON is passed on unread', async () => {
    await using fleet = await startOne();
    await fetch(`${fleet.router.url}/v1/audio/transcriptions`, {
      method: 'POST',
      body: 'not { json',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    });
    expect(fleet.engine.seen[0]!.body.toString()).toBe('not { json');
  });

  test('administration paths never', async () => {
    await using fleet = await startOne();
    for (const path of [
      '/abort_request',
      '/flush_cache',
      '/update_weights_from_disk',
      '/open_session',
      '/v1/../flush_cache',
      '//flush_cache',
    ]) {
      const request = http.request(fleet.router.url, { path, method: 'POST' });
      request.end('{}');
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      response.resume();
      expect(response.statusCode).toBe(404);
    }
    expect(fleet.engine.seen).toEqual([]);
    expect(fleet.engine.aborted).toEqual([]);
  });
});

describe('what reaches the client', () => {
  test("the engine's status, headers and body, and which worker it was", async () => {
    await using fleet = await startOne((response) => {
      response
        .writeHead(418, 'Teapot', { 'X-Engine': 'a', 'content-type': 'application/json', 'x-twice': ['1', '2'] })
        .end('{"object":"error"}');
    });
    const response = await fleet.router.chat(question);
    expect(response.status).toBe(418);
    expect(response.headers.get('x-engine')).toBe('a');
    expect(response.headers.get('x-twice')).toBe('1, 2');
    expect(response.headers.get('x-fleet-worker')).toBe(fleet.engine.id);
    expect(await response.text()).toBe('{"object":"error"}');
  });

  test('each event of a stream as soon as it was sent', async () => {
    const { promise: secondMaySend, resolve: letSecondSend } = Promise.withResolvers<void>();
    await using fleet = await startOne(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(sse(delta('one')));
      await secondMaySend;
      response.end(sse(delta('two'), '[DONE]'));
    });
    const reader = (await fleet.router.chat(streamed)).body!.getReader();
    const first = await reader.read();
    expect(Buffer.from(first.value!).toString()).toBe(sse(delta('one')));
    letSecondSend();
    let rest = '';
    for (let part = await reader.read(); !part.done; part = await reader.read())
      rest += Buffer.from(part.value).toString();
    expect(rest).toBe(sse(delta('two'), '[DONE]'));
    await expectIdle(fleet.router);
  });

  test('a stream that a slow client does not read is held back at its source', async () => {
    let hasStopped = false;
    await using fleet = await startOne((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const event = sse(delta('x'.repeat(64 * 1024)));
      let left = 1_000;
      const send = () => {
        while (left-- > 0) if (!response.write(event)) break;
        hasStopped = left > 0;
        if (left <= 0) response.end();
        else response.once('drain', send);
      };
      send();
    });
    const client = net.connect(Number(new URL(fleet.router.url).port), '127.0.0.1');
    const body = JSON.stringify(streamed);
    client.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    client.pause();
    await eventually(() => expect(hasStopped).toBe(true));
    let received = 0;
    client.on('data', (bytes) => {
      received += bytes.length;
    });
    client.resume();
    await eventually(() => expect(received).toBeGreaterThan(1_000 * 64 * 1024), 20_000);
    client.destroy();
    await expectIdle(fleet.router);
  }, 30_000);
});

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

describe('a client that leaves', () => {
  test.each([
    ['before the first byte', undefined],
    ['in the middle of a stream', sse(delta('a'))],
  ])('%s: the engine is told by id, and only then cut off', async (_when, sent) => {
    const { promise: cutOff, resolve } = Promise.withResolvers<number>();
    await using fleet = await startOne((response, { request }) => {
      if (sent) response.writeHead(200, { 'content-type': 'text/event-stream' }).write(sent);
      request.socket.once('close', () => resolve(fleet.engine.aborted.length));
    });
    const leave = new AbortController();
    const answer = fleet.router.chat(streamed, { signal: leave.signal });
    if (sent) await (await answer).body!.getReader().read();
    else await eventually(() => expect(fleet.engine.seen).toHaveLength(1));
    leave.abort();
    await answer.catch(() => {});
    expect(await cutOff).toBe(1);
    const rid = (JSON.parse(fleet.engine.seen[0]!.body.toString()) as { rid: string }).rid;
    expect(fleet.engine.aborted).toEqual([rid]);
    await expectIdle(fleet.router);
    expect(await fleet.router.metrics()).toMatch(/outcome="client-gone"\} 1/);
  });

  test("is aborted under the client's own id when it gave one", async () => {
    await using fleet = await startOne(() => {});
    const leave = new AbortController();
    const answer = fleet.router.chat({ ...streamed, rid: 'mine-1' }, { signal: leave.signal });
    await eventually(() => expect(fleet.engine.seen).toHaveLength(1));
    leave.abort();
    await answer.catch(() => {});
    await eventually(() => expect(fleet.engine.aborted).toEqual(['mine-1']));
  });
});

describe('a worker that breaks off in the middle of an answer', () => {
  test('ends a stream that cannot go on elsewhere with an error event, behind the last whole event', async () => {
    await using fleet = await startOne((response, { request }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`${sse(delta('a'))}data: {"half`, () => request.socket.resetAndDestroy());
    });
    const text = await (await fleet.router.chat({ ...streamed, tools: [{}] })).text();
    const events = text.trimEnd().split('\n\n');
    expect(events[0]).toBe(sse(delta('a')).trim());
    expect(JSON.parse(events[1]!.slice(6))).toMatchObject({
      error: { code: 'ENGINE_BROKE_OFF', type: 'server_error', message: expect.stringContaining('tools') },
    });
    expect(events).toHaveLength(2);
    await expectIdle(fleet.router);
  });

  test('gives a short answer of known length anew, elsewhere', async () => {
    await using fleet = await startPair();
    const [first, second] = fleet.engines;
    first.script = (response, { request }) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
      response.write('{"a":', () => request.socket.resetAndDestroy());
    };
    const workers = [];
    for (let i = 0; i < 2; i++) {
      const response = await fleet.router.chat(question);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ choices: [{}] });
      workers.push(response.headers.get('x-fleet-worker'));
    }
    expect(workers).toEqual([second.id, second.id]);
    await expectIdle(fleet.router);
  });

  test('cuts a long answer of known length, so that it cannot look complete', async () => {
    await using fleet = await startOne((response, { request }) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 300_000 });
      response.write('{"a":', () => request.socket.resetAndDestroy());
    });
    const response = await fleet.router.chat(question);
    await expect(response.text()).rejects.toThrow();
    await expectIdle(fleet.router);
  });

  test('takes no more traffic until it has proven itself again', async () => {
    await using fleet = await startOne((response, { request }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(sse(delta('a')), () => request.socket.resetAndDestroy());
    });
    await (await fleet.router.chat(streamed)).text();
    const states = fleet.router.logged.filter(({ msg }) => msg === 'worker state changed').map(({ to }) => to);
    expect(states.slice(0, 2)).toEqual(['ready', 'suspect']);
    await eventually(async () => expect((await fleet.router.fleet()).workers[0]!.state).toBe('ready'));
  });
});

describe('bad input', () => {
  test.each([
    ['malformed JSON', '{"messages":[}', 400, 'MALFORMED_JSON'],
    ['no body', '', 400, 'MALFORMED_JSON'],
    ['a body beyond the limit', JSON.stringify({ messages: 'x'.repeat(2 * 1024 * 1024) }), 413, 'BODY_TOO_LARGE'],
  ])('%s is refused with a code, and nothing reaches an engine', async (_what, body, status, code) => {
    await using fleet = await startOne();
    const response = await fleet.router.chat(body);
    expect(response.status).toBe(status);
    expect(response.headers.get('x-fleet-request-id')).toMatch(/^[0-9a-f]{32}$/);
    expect(await response.json()).toMatchObject({ error: { code, message: expect.any(String), param: null } });
    expect(fleet.engine.seen).toEqual([]);
  });

  test('a GET on a generation path says what to use', async () => {
    await using fleet = await startOne();
    const response = await fetch(`${fleet.router.url}/v1/chat/completions`);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });

  test('a model that no worker serves, where several are served', async () => {
    await using first = await startScriptedEngine(undefined, 'model-a');
    await using second = await startScriptedEngine(undefined, 'model-b');
    await using router = await startTestRouter({ workerUrls: [first.url, second.url] });
    const response = await router.chat({ ...question, model: 'model-c' });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      error: { code: 'UNKNOWN_MODEL', param: 'model', message: expect.stringContaining('model-a, model-b') },
    });
    expect((await router.chat({ ...question, model: 'model-b' })).headers.get('x-fleet-worker')).toBe(second.id);
  });

  test.each([
    ['garbage instead of HTTP', 'I am not a web server\r\n\r\n'],
    ['a chunk size that is none', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
    ['half a head', 'HTTP/1.1 200 OK\r\nx: '],
  ])('an engine that answers %s is not taken for an answer', async (_what, bytes) => {
    await using fleet = await startOne((_response, { request }) => void request.socket.end(bytes));
    const response = await fleet.router.chat(question);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ error: { code: 'ENGINE_UNREACHABLE' } });
    await expectIdle(fleet.router);
  });

  test('an engine that answers 200 with no body is passed on as it is', async () => {
    await using fleet = await startOne(
      (response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(),
    );
    const response = await fleet.router.chat(streamed);
    expect([response.status, await response.text()]).toEqual([200, '']);
  });
});
