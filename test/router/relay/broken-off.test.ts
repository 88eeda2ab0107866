import { eventually } from '../../support/eventually.ts';
import { expectIdle, question, startOne, startPair, streamed } from '../../support/relay-fleet.ts';
import { delta, sse, startScriptedEngine } from '../../support/scripted-engine.ts';
import { startTestRouter } from '../../support/test-router.ts';

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
