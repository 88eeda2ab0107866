import { parseKeyList } from '../../../runtime/router/keys/key-list.ts';
import { FakeRunner } from '../../support/fake-runner.ts';
import { SessionClient } from '../../support/session-client.ts';
import { type StoreFactory, startStores, storeKinds } from '../../support/stores.ts';
import { startTestRouter, type TestRouter } from '../../support/test-router.ts';

describe.each(storeKinds)('sessions in %s', (kind) => {
  let stores: StoreFactory;
  let router: TestRouter;
  let a: FakeRunner;
  let b: FakeRunner;
  let client: SessionClient;
  beforeAll(async () => {
    stores = await startStores(kind);
  });
  afterAll(() => stores[Symbol.asyncDispose]());
  beforeEach(async () => {
    router = await startTestRouter({
      ...(await stores.fresh()),
      apiKeys: parseKeyList('one:sk-one,two:sk-two,admin:sk-admin'),
      maxSessionsPerKey: 5,
      internalSecret: 'fleet-secret',
    });
    a = await FakeRunner.start('a', 3);
    b = await FakeRunner.start('b', 2);
    await a.register(router.url, 'fleet-secret');
    await b.register(router.url, 'fleet-secret');
    client = new SessionClient(router.url, 'sk-one');
  });
  afterEach(async () => {
    await router[Symbol.asyncDispose]();
    await a[Symbol.asyncDispose]();
    await b[Symbol.asyncDispose]();
  });

  test('a session is created on the runner with the most room, with what it was given', async () => {
    const session = await client.create({ system: 'Be brief.', metadata: { ticket: '7' }, model: 'm' });
    expect(session).toMatchObject({
      ...{ object: 'session', status: 'active', agent: 'chat', model: 'm', system: 'Be brief.', runnerId: 'a' },
      ...{ metadata: { ticket: '7' }, turns: 0, pauseReason: null },
    });
    expect(a.sandboxes.get(session.id)!.spec).toMatchObject({
      ...{ agent: 'chat', model: 'm', system: 'Be brief.', metadata: { ticket: '7' } },
    });
    expect(a.headers[0]!.authorization).toBe('Bearer fleet-secret');
  });

  test('a message is answered as a stream of chat chunks that ends with [DONE]', async () => {
    const { id } = await client.create();
    const stream = await client.stream(id, 'hello');
    expect(stream.response.headers.get('content-type')).toContain('text/event-stream');
    expect(stream.response.headers.get('x-fleet-request-id')).toMatch(/^[0-9a-f]{32}$/);
    const turnId = stream.response.headers.get('x-fleet-turn-id');
    const chunk = { object: 'chat.completion.chunk', id: turnId, created: expect.any(Number) };
    expect(await stream.rest()).toMatchObject([
      { ...chunk, choices: [{ delta: { content: 'echo: ' }, finish_reason: null }] },
      { ...chunk, choices: [{ delta: {}, finish_reason: 'stop' }] },
      '[DONE]',
    ]);
    expect(await client.transcript(id)).toEqual(['hello', 'echo: hello']);
  });

  test('or as one JSON answer', async () => {
    const { id } = await client.create({ model: 'm' });
    const answer = await client.ask(id, 'hello');
    expect([answer.status, answer.body]).toMatchObject([
      200,
      {
        ...{ object: 'chat.completion', model: 'm', usage: { total_tokens: 5 } },
        choices: [{ index: 0, message: { role: 'assistant', content: 'echo: hello' }, finish_reason: 'stop' }],
      },
    ]);
    const { body } = await client.get(id);
    expect(body).toMatchObject({
      turns: 1,
      messages: [{ role: 'user' }, { role: 'assistant', turnId: answer.body.id }],
    });
  });

  test('to any other key a session does not exist', async () => {
    const { id } = await client.create();
    const other = new SessionClient(router.url, 'sk-two');
    for (const answer of [
      await other.get(id),
      await other.ask(id, 'hello'),
      await other.post(id, 'pause'),
      await other.post(id, 'resume'),
      await other.call('DELETE', `/api/sessions/${id}`),
    ]) {
      expect([answer.status, answer.body.error.code]).toEqual([404, 'UNKNOWN_SESSION']);
    }
    expect((await other.call('GET', '/api/sessions')).body.data).toEqual([]);
    expect((await new SessionClient(router.url).get(id)).status).toBe(401);
    expect((await client.get(id)).body.status).toBe('active');
  });

  test('what cannot be an id is no session', async () => {
    expect((await client.get('%00')).body.error.code).toBe('UNKNOWN_SESSION');
    expect((await client.ask('a%2Fb', 'hello')).body.error.code).toBe('UNKNOWN_SESSION');
  });

  test('pause gives the sandbox back; messages name the way on; resume restores the conversation on another runner', async () => {
    const { id } = await client.create();
    await client.ask(id, 'hello');
    const paused = await client.post(id, 'pause');
    expect(paused.body).toMatchObject({ status: 'paused', pauseReason: 'requested', runnerId: null });
    expect(a.sandboxes.size).toBe(0);
    expect((await client.post(id, 'pause')).body.status).toBe('paused');

    const refused = await client.ask(id, 'more');
    expect([refused.status, refused.body.error]).toMatchObject([
      409,
      { code: 'SESSION_PAUSED', message: expect.stringContaining(`POST /api/sessions/${id}/resume`) },
    ]);

    await a.die();
    const resumed = await client.post(id, 'resume');
    expect([resumed.status, resumed.body]).toMatchObject([200, { status: 'active', runnerId: 'b', pauseReason: null }]);
    expect(b.sandboxes.get(id)!.spec.restore).toEqual({
      messages: [
        { role: 'user', content: 'hello' },
        { role: 'assistant', content: 'echo: hello' },
      ],
      state: { remembered: 2 },
    });
    expect((await client.post(id, 'resume')).body.status).toBe('active');
    await client.ask(id, 'more');
    expect(await client.transcript(id)).toEqual(['hello', 'echo: hello', 'more', 'echo: more']);
  });

  test('a session that comes back to its runner gets a new sandbox there', async () => {
    const { id } = await client.create();
    await client.ask(id, 'hello');
    await client.post(id, 'pause');
    // As if the sandbox had outlived the pause, with something in mind that was never recorded.
    a.sandboxes.set(id, { spec: { sessionId: id, agent: 'chat' }, memory: ['rumour'], turns: 9, isBusy: false });
    await client.post(id, 'resume');
    expect(a.sandboxes.get(id)!.memory).toEqual(['hello', 'echo: hello']);
  });

  test('an ended session keeps its transcript and cannot go on', async () => {
    const { id } = await client.create();
    await client.ask(id, 'hello');
    const ended = await client.call('DELETE', `/api/sessions/${id}`);
    expect([ended.status, ended.body.status]).toEqual([200, 'ended']);
    expect(a.sandboxes.size).toBe(0);
    expect((await client.call('DELETE', `/api/sessions/${id}`)).body.status).toBe('ended');
    for (const answer of [await client.post(id, 'resume'), await client.post(id, 'pause'), await client.ask(id, 'x')]) {
      expect([answer.status, answer.body.error.code]).toEqual([409, 'SESSION_ENDED']);
    }
    expect(await client.transcript(id)).toHaveLength(2);
  });

  test('when no runner has room the answer says what to do', async () => {
    const sessions = await Promise.all([1, 2, 3, 4, 5].map(() => client.create()));
    expect(sessions.map(({ runnerId }) => runnerId).sort()).toEqual(['a', 'a', 'a', 'b', 'b']);
    const other = new SessionClient(router.url, 'sk-two');
    const refused = await other.call('POST', '/api/sessions', {});
    expect([refused.status, refused.body.error, refused.headers.get('retry-after')]).toMatchObject([
      503,
      { code: 'NO_CAPACITY', message: expect.stringContaining('add workers') },
      '10',
    ]);
    expect((await other.call('GET', '/api/sessions')).body.data).toEqual([]);
    await client.call('DELETE', `/api/sessions/${sessions[0]!.id}`);
    expect((await other.create()).runnerId).toBe(sessions[0]!.runnerId);
  });

  test('a runner that refuses is passed over; a mistake of the client is not tried elsewhere', async () => {
    a.refusal = { status: 503, code: 'RUNNER_DRAINING' };
    expect((await client.create()).runnerId).toBe('b');
    a.refusal = { status: 404, code: 'UNKNOWN_AGENT' };
    const refused = await client.call('POST', '/api/sessions', { agent: 'nobody' });
    expect([refused.status, refused.body.error.code]).toEqual([404, 'UNKNOWN_AGENT']);
    expect((await client.call('GET', '/api/sessions')).body.data).toHaveLength(1);
  });

  test('a key has a cap of sessions that live', async () => {
    const { id } = await client.create();
    for (let i = 0; i < 4; i++) await client.create();
    const refused = await client.call('POST', '/api/sessions', {});
    expect([refused.status, refused.body.error.code]).toEqual([429, 'SESSION_LIMIT']);
    await client.call('DELETE', `/api/sessions/${id}`);
    const next = await client.call('POST', '/api/sessions', {});
    expect(next.body.error?.code).not.toBe('SESSION_LIMIT');
  });

  test('lists come in pages, newest first', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await client.create()).id);
    await client.post(ids[2]!, 'pause');
    const first = (await client.call('GET', '/api/sessions?limit=2')).body;
    expect(first).toMatchObject({ object: 'list', has_more: true });
    const second = (await client.call('GET', `/api/sessions?limit=3&cursor=${first.next_cursor}`)).body;
    expect(second).toMatchObject({ has_more: false, next_cursor: null });
    expect([...first.data, ...second.data].map(({ id }: { id: string }) => id)).toEqual(ids);
    const paused = (await client.call('GET', '/api/sessions?status=paused')).body.data;
    expect(paused.map(({ id }: { id: string }) => id)).toEqual([ids[2]]);
  });

  test.each([
    ['POST', '/api/sessions', { agent: '' }, 'agent'],
    ['POST', '/api/sessions', { model: 'a\u0000b' }, 'model'],
    ['POST', '/api/sessions', { agnet: 'chat' }, 'agnet'],
    ['POST', '/api/sessions', { metadata: { n: 1 } }, 'metadata'],
    ['GET', '/api/sessions?limit=0', undefined, 'limit'],
    ['GET', '/api/sessions?cursor=zzz', undefined, 'cursor'],
    ['GET', '/api/sessions?status=lost', undefined, 'status'],
    ['POST', '/api/sessions/x/messages', {}, 'content'],
    ['POST', '/api/sessions/x/messages', { content: 'a', stream: 'yes' }, 'stream'],
    ['POST', '/api/sessions/x/messages', undefined, 'content'],
  ])('%s %s with %j is a mistake that is named', async (method, path, body, field) => {
    const answer = await client.call(method, path, body);
    expect([answer.status, answer.body.error.code]).toEqual([400, 'INVALID_BODY']);
    expect(answer.body.error.message).toContain(field);
  });
});
