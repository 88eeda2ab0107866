import { parseKeyList } from '../../../runtime/router/keys/key-list.ts';
import { eventually } from '../../support/eventually.ts';
import { managedPrograms, standInProgram } from '../../support/managed-programs.ts';
import { delta, type Script, type SeenRequest, sendJson, sse } from '../../support/scripted-engine.ts';
import { chatsOf, startEngine, startManaged } from './managed-fixture.ts';

const question = { model: 'scripted', messages: [{ role: 'user', content: 'hi' }] };
const streamed = { ...question, stream: true };
const bearer = (key: string) => ({ headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` } });
const roundRobin = ['--policy', 'round_robin'];

const ok: Script = (response) => sendJson(response, { object: 'chat.completion', choices: [] });
const isStream = ({ body }: SeenRequest) => /"stream": ?true/.test(body.toString());

describe.each(managedPrograms())('with $name', (program) => {
  test('answers pass byte for byte, streamed or not, good or bad', async () => {
    const answer = '{ "object":"chat.completion",\n  "choices": [ ], "of the engine": "\u00e4\u{1f600}" }';
    const stream = `: a comment\n\n${sse(delta('a'), delta('b'))}event: odd\ndata:no space\n\n${sse('[DONE]')}`;
    await using engine = await startEngine((response, seen) => {
      if (seen.body.includes('refuse me')) sendJson(response, { object: 'error', message: 'no' }, 400);
      else if (isStream(seen)) response.writeHead(200, { 'content-type': 'text/event-stream' }).end(stream);
      else response.writeHead(200, { 'content-type': 'application/json', 'x-engine': 'mine' }).end(answer);
    });
    await using fixture = await startManaged(program, { workerUrls: [engine.url] });
    const { router } = fixture;

    const plain = await router.chat(question);
    expect([plain.status, await plain.text()]).toEqual([200, answer]);
    expect(plain.headers.get('x-engine')).toBe('mine');
    expect(plain.headers.get('x-fleet-worker')).toBe('sglang-router');
    expect(plain.headers.get('x-fleet-request-id')).toMatch(/^[0-9a-f]{32}$/);
    const flowing = await router.chat(streamed);
    expect([flowing.status, await flowing.text()]).toEqual([200, stream]);
    const refused = await router.chat({ ...question, messages: [{ role: 'user', content: 'refuse me' }] });
    expect([refused.status, await refused.json()]).toEqual([400, { object: 'error', message: 'no' }]);
  });

  test('its workers are those of the registry, whoever changes them', async () => {
    await using first = await startEngine(ok);
    await using second = await startEngine(ok);
    await using fixture = await startManaged(program, { workerUrls: [first.url] }, roundRobin);
    const { router, untilServing } = fixture;
    const internal = (route: string, body: object) =>
      fetch(`${router.url}/api/internal/runners/${route}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const runner = { runnerId: 'r1', host: '127.0.0.1', port: 1, maxSandboxes: 0, engineUrl: second.url };
    await internal('register', runner);
    await untilServing(2);
    for (let i = 0; i < 4; i++) expect((await router.chat(question)).status).toBe(200);
    expect([chatsOf(first).length, chatsOf(second).length]).toEqual([2, 2]);

    const beat = { runnerId: 'r1', activeCount: 0, warmingCount: 0 };
    await internal('heartbeat', { ...beat, engineState: 'draining' });
    await untilServing(1);
    for (let i = 0; i < 4; i++) expect((await router.chat(question)).status).toBe(200);
    expect([chatsOf(first).length, chatsOf(second).length]).toEqual([6, 2]);

    await internal('heartbeat', { ...beat, engineState: 'ready' });
    await untilServing(2);
    expect((await fetch(`${router.url}/remove_worker?url=${first.url}`, { method: 'POST' })).status).toBe(200);
    await untilServing(1);
    for (let i = 0; i < 4; i++) expect((await router.chat(question)).status).toBe(200);
    expect([chatsOf(first).length, chatsOf(second).length]).toEqual([6, 6]);
    expect(await (await fetch(`${router.url}/v1/models`)).json()).toMatchObject({ data: [{ id: 'scripted' }] });
  });

  test('an engine with several ranks counts once, and leaves with all of them', async () => {
    await using engine = await startEngine(ok);
    await using fixture = await startManaged(program, { workerUrls: [engine.url] }, ['--dp-aware']);
    expect((await fixture.router.chat(question)).status).toBe(200);
    await fetch(`${fixture.router.url}/remove_worker?url=${engine.url}`, { method: 'POST' });
    await eventually(async () => expect(await fixture.engine()).toMatchObject({ workers: 0 }));
    await eventually(() =>
      expect(fixture.router.logged).toContainEqual(expect.objectContaining({ msg: 'worker taken from sglang-router' })),
    );
    // Were a rank left, it would be asked to go again and again.
    await fetch(`${fixture.router.url}/add_worker?url=${engine.url}`, { method: 'POST' });
    await fixture.untilServing(1);
    const taken = fixture.router.logged.filter(({ msg }) => msg === 'worker taken from sglang-router');
    expect(taken.length).toBeLessThan(5);
  });

  test('killed, it comes back with its workers; requests wait for it meanwhile', async () => {
    await using first = await startEngine(ok);
    await using second = await startEngine(ok);
    await using fixture = await startManaged(program, { workerUrls: [first.url, second.url] });
    process.kill(fixture.pid, 'SIGKILL');
    await eventually(async () => expect((await fixture.engine()).state).not.toBe('ready'));
    expect((await fetch(`${fixture.router.url}/ready`)).status).toBe(503);
    expect((await fixture.router.chat(question)).status).toBe(200);
    await fixture.untilServing(2);
    expect(await fixture.engine()).toMatchObject({ name: 'sglang-router', restarts: 1 });
    expect((await fixture.engine()).version).toMatch(/^0\.3\./);
    const metrics = await fixture.router.metrics();
    expect(metrics).toContain('fleet_router_engine_state{engine="sglang-router",state="ready"} 1');
    expect(metrics).toContain('fleet_router_engine_restarts_total 1');
    expect(metrics).toContain('fleet_router_engine_workers 2');
  });

  test('hung, it is ended and started anew', async () => {
    await using engine = await startEngine(ok);
    await using fixture = await startManaged(program, { workerUrls: [engine.url], timeScale: 10 });
    const { pid } = fixture;
    process.kill(pid, 'SIGSTOP');
    await eventually(() => expect(fixture.pid).not.toBe(pid), 30_000);
    await fixture.untilServing(1);
    expect((await fixture.router.chat(question)).status).toBe(200);
    const ended = fixture.router.logged.find(({ msg }) => msg === 'sglang-router ended');
    expect(ended!['detail']).toContain('it hung');
  });

  test('while it cannot be started requests are a 503 that says when to come back, and nothing else suffers', async () => {
    await using engine = await startEngine(ok);
    const config = { workerUrls: [engine.url], holdSeconds: 0.2 };
    await using fixture = await startManaged(program, config, ['--no-such-flag'], 'none of it');
    const response = await fixture.router.chat(question);
    expect([response.status, await response.json()]).toMatchObject([503, { error: { code: 'ROUTER_ENGINE_DOWN' } }]);
    expect(response.headers.get('retry-after')).toBe('5');
    await eventually(async () => expect((await fixture.engine()).restarts).toBeGreaterThan(0), 30_000);
    expect(await (await fetch(`${fixture.router.url}/v1/models`)).json()).toMatchObject({ data: [{ id: 'scripted' }] });
    expect(chatsOf(engine)).toEqual([]);
  });

  test('what was in flight when it was killed ends so that clients know', async () => {
    const open: (() => void)[] = [];
    await using engine = await startEngine((response, seen) => {
      if (isStream(seen)) response.writeHead(200, { 'content-type': 'text/event-stream' }).write(sse(delta('a')));
      open.push(() => response.destroy());
    });
    await using fixture = await startManaged(program, { workerUrls: [engine.url] });
    const waiting = fixture.router.chat(question);
    const stream = await fixture.router.chat(streamed);
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe(sse(delta('a')));
    await eventually(() => expect(open).toHaveLength(2));
    process.kill(fixture.pid, 'SIGKILL');

    let rest = '';
    for (let part = await reader.read(); !part.done; part = await reader.read()) rest += part.value;
    expect(JSON.parse(rest.slice('data: '.length))).toMatchObject({ error: { code: 'ENGINE_BROKE_OFF' } });
    const lost = await waiting;
    expect([lost.status, await lost.json()]).toMatchObject([503, { error: { code: 'ROUTER_ENGINE_LOST' } }]);
    expect(lost.headers.get('retry-after')).toBe('1');
    for (const close of open) close();
  });

  test('a client that leaves takes its request with it', async () => {
    let isGone = false;
    await using engine = await startEngine((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const timer = setInterval(() => response.write(sse(delta('more'))), 10);
      response.on('close', () => {
        clearInterval(timer);
        isGone = true;
      });
    });
    await using fixture = await startManaged(program, { workerUrls: [engine.url] });
    const leaving = new AbortController();
    const response = await fixture.router.chat(streamed, { ...bearer('x'), signal: leaving.signal });
    await response.body!.getReader().read();
    leaving.abort();
    await eventually(() => expect(isGone).toBe(true));
    expect(await fixture.router.metrics()).toContain('fleet_router_aborts_total 1');
  });

  test('keys of clients are checked before it and end there; engines get their own', async () => {
    await using engine = await startEngine(ok);
    const apiKeys = parseKeyList('team:s3cret');
    const config = { workerUrls: [engine.url], apiKeys, engineApiKey: 'engine-key' };
    await using fixture = await startManaged(program, config);
    expect((await fixture.router.chat(question)).status).toBe(401);
    expect((await fixture.router.chat(question, bearer('s3cret'))).status).toBe(200);
    const [seen] = chatsOf(engine);
    expect(chatsOf(engine)).toHaveLength(1);
    expect(seen!.request.headers.authorization).toBe('Bearer engine-key');
    expect(seen!.rawHeaders.join()).not.toContain('s3cret');
  });

  test('without keys those of clients reach the engine', async () => {
    await using engine = await startEngine(ok);
    await using fixture = await startManaged(program, { workerUrls: [engine.url] });
    await fixture.router.chat(question, bearer('of-the-engine'));
    expect(chatsOf(engine)[0]!.request.headers.authorization).toBe('Bearer of-the-engine');
  });

  test('its worker API is closed to other processes of the machine', async () => {
    await using fixture = await startManaged(program, {});
    const { url } = fixture.router.logged.find(({ msg }) => msg === 'sglang-router launched')!;
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"url":"http://a:1"}' };
    expect((await fetch(`${url}/workers`, init)).status).toBe(401);
    expect((await fetch(`${url}/workers`)).status).toBe(401);
  });

  test('several models are refused by one that was started for one, which would answer with any', async () => {
    await using one = await startEngine(ok, 'one');
    await using two = await startEngine(ok, 'two');
    await using fixture = await startManaged(program, { workerUrls: [one.url, two.url] });
    const response = await fixture.router.chat({ ...question, model: 'one' });
    expect([response.status, await response.json()]).toMatchObject([
      500,
      { error: { code: 'ROUTER_ENGINE_ONE_MODEL' } },
    ]);
    expect([...chatsOf(one), ...chatsOf(two)]).toEqual([]);
  });
});

describe('with the stand-in, which needs no network and changes no body', () => {
  // sglang-router 0.3.2 downloads a vocabulary at the start of this mode, and ends when it cannot.
  test('several models are told apart with --enable-igw', async () => {
    const named =
      (name: string): Script =>
      (response) =>
        sendJson(response, { answered: name });
    await using one = await startEngine(named('one'), 'one');
    await using two = await startEngine(named('two'), 'two');
    await using fixture = await startManaged(standInProgram, { workerUrls: [one.url, two.url] }, ['--enable-igw']);
    for (const model of ['one', 'two', 'two', 'one']) {
      expect(await (await fixture.router.chat({ ...question, model })).json()).toEqual({ answered: model });
    }
    const unknown = await fixture.router.chat({ ...question, model: 'three' });
    expect([unknown.status, await unknown.json()]).toMatchObject([404, { error: { code: 'UNKNOWN_MODEL' } }]);
  });

  test('requests pass byte for byte: white space, unknown fields and no rid', async () => {
    await using engine = await startEngine(ok);
    await using fixture = await startManaged(standInProgram, { workerUrls: [engine.url] });
    const body =
      '{ "model" : "scripted",\n\t"messages":[{"role":"user","content":"\u00e4 hi"}], "of_mine": [1, 2.50] }';
    expect((await fixture.router.chat(body)).status).toBe(200);
    expect(chatsOf(engine)[0]!.body.toString()).toBe(body);
  });

  test('a silent stream gets comments, as from the built-in relay', async () => {
    let finish = () => {};
    await using engine = await startEngine((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(sse(delta('a')));
      finish = () => response.end(sse('[DONE]'));
    });
    await using fixture = await startManaged(standInProgram, { workerUrls: [engine.url], heartbeatSeconds: 0.1 });
    const response = await fixture.router.chat(streamed);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes(': ping')) text += (await reader.read()).value;
    finish();
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    expect(text.replaceAll(': ping\n\n', '')).toBe(sse(delta('a'), '[DONE]'));
  });
});
