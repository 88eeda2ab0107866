import { parseKeyList } from '../../../runtime/router/keys/key-list.ts';
import { eventually } from '../../support/eventually.ts';
import { type ScriptedEngine, sendJson, startScriptedEngine } from '../../support/scripted-engine.ts';
import { startTestRouter } from '../../support/test-router.ts';

const question = { messages: [{ role: 'user', content: 'hi' }] };
const bearer = (key: string) => ({ headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` } });

/** An engine that answers each request when the test says so. */
async function startGatedEngine() {
  const gates: (() => void)[] = [];
  const engine = await startScriptedEngine((response) => void gates.push(() => sendJson(response, { ok: true })));
  return { engine, gates };
}

describe('with API keys', () => {
  let engine: ScriptedEngine;
  beforeEach(async () => {
    engine = await startScriptedEngine();
  });
  afterEach(() => engine[Symbol.asyncDispose]());

  test('a request without a right one is a 401, and nothing of it reaches an engine', async () => {
    await using router = await startTestRouter({ workerUrls: [engine.url], apiKeys: parseKeyList('team:s3cret') });
    for (const init of [{}, bearer('wrong')]) {
      const response = await router.chat(question, init);
      expect([response.status, await response.json()]).toMatchObject([401, { error: { code: 'UNAUTHORIZED' } }]);
    }
    expect(engine.seen).toEqual([]);
  });

  test('the right one passes, as bearer or as x-api-key, and stays behind: the engine gets its own', async () => {
    await using router = await startTestRouter({
      workerUrls: [engine.url],
      apiKeys: parseKeyList('team:s3cret'),
      engineApiKey: 'engine-key',
    });
    expect((await router.chat(question, bearer('s3cret'))).status).toBe(200);
    const headers = { 'content-type': 'application/json', 'x-api-key': 's3cret' };
    expect((await router.chat(question, { headers })).status).toBe(200);
    for (const { request, rawHeaders } of engine.seen) {
      expect(request.headers.authorization).toBe('Bearer engine-key');
      expect(rawHeaders.join()).not.toContain('s3cret');
    }
    expect(JSON.stringify(router.logged)).not.toContain('s3cret');
  });

  test('the fleet cannot be looked at or changed with a key for inference', async () => {
    await using router = await startTestRouter({ apiKeys: parseKeyList('team:s3cret,admin:b0ss') }, 0);
    const status = async (path: string, key: string) => (await fetch(router.url + path, bearer(key))).status;
    expect(await status('/api/fleet', 's3cret')).toBe(403);
    expect(await status('/metrics', 's3cret')).toBe(403);
    expect(await status('/v1/models', 's3cret')).toBe(200);
    expect(await status('/api/fleet', 'b0ss')).toBe(200);
  });
});

test('without keys the headers of a client reach the engine as they are', async () => {
  await using engine = await startScriptedEngine();
  await using router = await startTestRouter({ workerUrls: [engine.url] });
  await router.chat(question, bearer('of-the-engine'));
  expect(engine.seen[0]!.request.headers.authorization).toBe('Bearer of-the-engine');
});

describe('with caps', () => {
  test('what is beyond the cap waits in order, what is beyond the queue is a 429 that says when to come back', async () => {
    const { engine, gates } = await startGatedEngine();
    await using router = await startTestRouter({ workerUrls: [engine.url], maxConcurrentRequests: 1, queueSize: 1 });
    const first = router.chat(question);
    await eventually(() => expect(gates).toHaveLength(1));
    const second = router.chat(question);
    // The second waits inside the router; the third finds the queue full, however often it is tried until then.
    await eventually(async () => {
      const third = await router.chat(question);
      expect(third.status).toBe(429);
      expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await third.json()).toMatchObject({ error: { code: 'QUEUE_FULL' } });
    });
    expect(gates).toHaveLength(1);
    gates[0]!();
    expect((await first).status).toBe(200);
    await eventually(() => expect(gates).toHaveLength(2));
    gates[1]!();
    expect((await second).status).toBe(200);
    await engine[Symbol.asyncDispose]();
  });

  test('a worker never gets more than its share, and a freed place is used', async () => {
    const [a, b] = [await startGatedEngine(), await startGatedEngine()];
    await using router = await startTestRouter({ workerUrls: [a.engine.url, b.engine.url], maxConcurrentPerWorker: 1 });
    const answers = [1, 2, 3].map(() => router.chat(question));
    await eventually(() => expect([a.gates.length, b.gates.length]).toEqual([1, 1]));
    a.gates[0]!();
    await eventually(() => expect(a.gates).toHaveLength(2));
    a.gates[1]!();
    b.gates[0]!();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200]);
    for (const { engine } of [a, b]) await engine[Symbol.asyncDispose]();
  });

  test('a retry goes to the other worker within its cap', async () => {
    const { engine, gates } = await startGatedEngine();
    const dying = await startScriptedEngine((_response, { request }) => void request.socket.resetAndDestroy());
    await using router = await startTestRouter({
      workerUrls: [dying.url, engine.url],
      maxConcurrentPerWorker: 1,
      policy: 'round-robin',
    });
    const answers = [router.chat(question), router.chat(question)];
    for (const i of [0, 1]) {
      await eventually(() => expect(gates.length).toBeGreaterThan(i));
      expect(gates).toHaveLength(i + 1);
      gates[i]!();
    }
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200]);
    for (const one of [engine, dying]) await one[Symbol.asyncDispose]();
  });

  test('a client that leaves the queue leaves nothing behind', async () => {
    const { engine, gates } = await startGatedEngine();
    await using router = await startTestRouter({ workerUrls: [engine.url], maxConcurrentRequests: 1 });
    const first = router.chat(question);
    await eventually(() => expect(gates).toHaveLength(1));
    const leave = new AbortController();
    const leaving = router.chat(question, { signal: leave.signal });
    leave.abort();
    await expect(leaving).rejects.toThrow();
    gates[0]!();
    expect((await first).status).toBe(200);
    const next = router.chat(question);
    await eventually(() => expect(gates).toHaveLength(2));
    gates[1]!();
    expect((await next).status).toBe(200);
    await engine[Symbol.asyncDispose]();
  });
});

test('with an admin port the clients reach nothing but inference, models and health', async () => {
  await using engine = await startScriptedEngine();
  await using router = await startTestRouter({ workerUrls: [engine.url], adminPort: 0 });
  const adminUrl = router.logged.find(({ msg }) => msg === 'router listening')!['adminUrl'] as string;
  for (const path of ['/api/fleet', '/metrics', '/workers']) {
    expect((await fetch(router.url + path)).status).toBe(404);
    expect((await fetch(adminUrl + path)).status).toBe(200);
  }
  expect((await fetch(`${router.url}/health`)).status).toBe(200);
  expect((await router.chat(question)).status).toBe(200);
});

test('a worker is removed when its last stream has ended, not before, and takes nothing new meanwhile', async () => {
  const { engine, gates } = await startGatedEngine();
  const other = await startScriptedEngine();
  await using router = await startTestRouter({ workerUrls: [engine.url, other.url], policy: 'round-robin' });
  const answer = router.chat(question);
  await eventually(() => expect(gates).toHaveLength(1));
  const removal = fetch(`${router.url}/remove_worker?url=${encodeURIComponent(engine.url)}`, { method: 'POST' });
  await eventually(async () => {
    const { workers } = await router.fleet();
    expect(workers.find(({ id }) => id === engine.id)).toMatchObject({ state: 'draining', inFlightRequests: 1 });
  });
  for (let i = 0; i < 3; i++) expect((await router.chat(question)).headers.get('x-fleet-worker')).toBe(other.id);
  gates[0]!();
  expect((await answer).status).toBe(200);
  expect((await removal).status).toBe(200);
  expect((await router.fleet()).workers.map(({ id }) => id)).toEqual([other.id]);
  for (const one of [engine, other]) await one[Symbol.asyncDispose]();
});
