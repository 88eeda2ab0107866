import { startEngineServer } from '../../../runtime/engine-sim/server.ts';
import type { KeyLimits } from '../../../runtime/router/admission/key-meter.ts';
import { sha256Of } from '../../../runtime/router/keys/api-key.ts';
import type { KeyList } from '../../../runtime/router/keys/key-list.ts';
import { startRouter } from '../../../runtime/router/router.ts';
import { openLocalSandboxes } from '../../../runtime/router/sessions/local-sandboxes.ts';
import { createLogger } from '../../../runtime/shared/log.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeRunner, type FakeTurn } from '../../support/fake-runner.ts';
import { startScriptedEngine } from '../../support/scripted-engine.ts';
import { SessionClient } from '../../support/session-client.ts';
import { startTestRouter, testRouterConfig } from '../../support/test-router.ts';

const keyWith = (limits: KeyLimits): KeyList => ({
  entries: [{ keyId: 'team', sha256: sha256Of('sk-team'), scopes: ['inference'], limits }],
  secretIds: [],
  mistakes: [],
});

/** A router whose only key has these limits, and a runner. */
async function startLimited(limits: KeyLimits, workerUrls: readonly string[] = []) {
  await using stack = new AsyncDisposableStack();
  const runner = stack.use(await FakeRunner.start('a'));
  const router = stack.use(await startTestRouter({ apiKeys: keyWith(limits), internalSecret: 'fleet', workerUrls }));
  await runner.register(router.url, 'fleet');
  const cleanUp = stack.move();
  return {
    ...{ runner, router, client: new SessionClient(router.url, 'sk-team') },
    [Symbol.asyncDispose]: () => cleanUp[Symbol.asyncDispose](),
  };
}

test('messages and requests count against the same limit, and a refusal reaches neither session nor runner', async () => {
  await using engine = await startScriptedEngine();
  await using fleet = await startLimited({ requestsPerMinute: 3 }, [engine.url]);
  const { client, runner, router } = fleet;
  const { id } = await client.create();
  const chat = () =>
    router.chat({ messages: [] }, { headers: { 'content-type': 'application/json', authorization: 'Bearer sk-team' } });
  expect((await chat()).headers.get('x-ratelimit-remaining-requests')).toBe('2');
  const first = await client.ask(id, 'one');
  expect(first.status).toBe(200);
  expect(first.headers.get('x-ratelimit-limit-requests')).toBe('3');
  expect(first.headers.get('x-ratelimit-remaining-requests')).toBe('1');
  const stream = await client.stream(id, 'two');
  expect(stream.response.headers.get('x-ratelimit-remaining-requests')).toBe('0');
  await stream.rest();

  const calls = runner.calls.length;
  const refused = await client.ask(id, 'three', { 'idempotency-key': 'k' });
  expect([refused.status, refused.body.error]).toMatchObject([
    429,
    { code: 'RATE_LIMITED', message: expect.stringContaining('limit of 3 requests per minute') },
  ]);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await chat()).status).toBe(429);
  expect(runner.calls).toHaveLength(calls);
  expect(await client.transcript(id)).toEqual(['one', 'echo: one', 'two', 'echo: two']);
});

test('a message counts as long as it is answered, also when its client has left', async () => {
  await using fleet = await startLimited({ concurrentRequests: 1 });
  const { client, runner } = fleet;
  const [one, two] = [await client.create(), await client.create()];
  const held = Promise.withResolvers<FakeTurn>();
  const echo = runner.onTurn;
  runner.onTurn = (turn) => {
    turn.say('word');
    held.resolve(turn);
  };
  const stream = await client.stream(one.id, 'hello');
  expect(stream.response.headers.get('x-ratelimit-remaining-concurrent-requests')).toBe('0');
  const turn = await held.promise;
  await stream.leave();
  const refused = await client.ask(two.id, 'hello');
  expect([refused.status, refused.body.error.message]).toMatchObject([429, expect.stringContaining('1 concurrent')]);
  runner.onTurn = echo;
  turn.finish('word');
  await eventually(async () => expect((await client.ask(two.id, 'hello')).status).toBe(200));
  expect(await client.transcript(one.id)).toEqual(['hello', 'word']);
});

test('the tokens of a message are those of its text; one that no agent was given costs none', async () => {
  // A bucket that gets one token a minute: nothing comes back meanwhile.
  await using fleet = await startLimited({ uncachedTokensPerMinute: 1 });
  const { client } = fleet;
  const { id } = await client.create();
  await client.post(id, 'pause');
  const paused = await client.ask(id, 'x'.repeat(4_000));
  expect([paused.status, paused.headers.get('x-ratelimit-remaining-tokens')]).toEqual([409, '0']);
  await client.post(id, 'resume');
  // The whole limit is there again, so that even a larger message passes and leaves a debt.
  expect((await client.ask(id, 'x'.repeat(4_000))).status).toBe(200);
  const refused = await client.ask(id, 'x');
  expect([refused.status, refused.body.error.message]).toMatchObject([
    429,
    expect.stringContaining('1 uncached tokens per minute'),
  ]);
  // 1,000 tokens of debt by four bytes a token.
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(59_000);
  expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60_060);
});

test('a key without limits has no headers', async () => {
  await using fleet = await startLimited({});
  const { id } = await fleet.client.create();
  const { headers } = await fleet.client.ask(id, 'hello');
  expect([...headers.keys()].filter((name) => name.startsWith('x-ratelimit'))).toEqual([]);
});

test("where the agent's own request comes through this router it does not count a second time, and takes the only slot", async () => {
  await using cleanUp = new AsyncDisposableStack();
  const engine = await startEngineServer({ timeScale: 100, meanOutputTokens: 20 });
  cleanUp.defer(() => engine.close());
  const log = createLogger({ service: 'test', level: 'silent' });
  const config = testRouterConfig({
    ...{ workerUrls: [engine.url], localSandboxes: 1, maxConcurrentRequests: 1, timeScale: 100 },
    apiKeys: keyWith({ requestsPerMinute: 1, concurrentRequests: 1 }),
  });
  const local = await openLocalSandboxes(config, log);
  const router = await startRouter(config, log, { local });
  cleanUp.defer(() => router.close());
  const client = new SessionClient(router.url, 'sk-team');
  const { id } = await client.create();
  expect((await client.ask(id, 'Hello there')).status).toBe(200);
});
