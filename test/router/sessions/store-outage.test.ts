import { eventually } from '../../support/eventually.ts';
import { FakeRunner, type FakeTurn } from '../../support/fake-runner.ts';
import { startScriptedEngine } from '../../support/scripted-engine.ts';
import { SessionClient } from '../../support/session-client.ts';
import { StartedPostgres } from '../../support/started-postgres.ts';
import { startTestRouter, type TestRouter } from '../../support/test-router.ts';

let postgres: StartedPostgres;
beforeAll(async () => {
  postgres = await StartedPostgres.start();
});
afterAll(() => postgres[Symbol.asyncDispose]());

const storeOf = async (router: TestRouter) =>
  ((await (await fetch(`${router.url}/health`)).json()) as { store: string }).store;
const becomesAvailable = (router: TestRouter) =>
  eventually(async () => expect(await storeOf(router)).toBe('available'));

test('while the store is down inference flows, sessions answer 503, and all of it recovers by itself', async () => {
  await using engine = await startScriptedEngine();
  await using runner = await FakeRunner.start('a');
  await using router = await startTestRouter({
    databaseUrl: await postgres.createDatabase(),
    workerUrls: [engine.url],
  });
  const client = new SessionClient(router.url);
  await runner.register(router.url);
  const { id } = await client.create();

  await postgres.stop();
  for (const [method, path, body] of [
    ['GET', `/api/sessions/${id}`, undefined],
    ['GET', '/api/sessions', undefined],
    ['POST', '/api/sessions', {}],
    ['POST', `/api/sessions/${id}/messages`, { content: 'hello' }],
    ['DELETE', `/api/sessions/${id}`, undefined],
  ] as const) {
    const answer = await client.call(method, path, body);
    expect([answer.status, answer.body.error.code]).toEqual([503, 'STORE_UNAVAILABLE']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect((await router.chat({ model: 'scripted', messages: [] })).status).toBe(200);
  expect(await runner.beat(router.url)).toBe(200);
  expect(await storeOf(router)).toBe('unavailable');

  await postgres.startAgain();
  await becomesAvailable(router);
  expect(await runner.beat(router.url)).toBe(200);
  expect((await client.ask(id, 'hello')).status).toBe(200);

  // One line when it began, one when it was over, however many calls were refused.
  const lines = (text: string) => router.logged.filter(({ msg }) => msg === text);
  expect(lines('request failed')).toEqual([]);
  expect(lines('store unavailable')).toHaveLength(1);
  const [over, ...others] = lines('store available again');
  expect(others).toEqual([]);
  expect(over!['refusedCalls']).toBeGreaterThanOrEqual(5);
});

test('a turn that ends while the store restarts is recorded before the client sees its end', async () => {
  await using runner = await FakeRunner.start('a');
  await using router = await startTestRouter({ databaseUrl: await postgres.createDatabase() });
  const client = new SessionClient(router.url);
  await runner.register(router.url);
  const { id } = await client.create();
  const { promise, resolve } = Promise.withResolvers<FakeTurn>();
  runner.onTurn = (turn) => {
    turn.say('word');
    resolve(turn);
  };
  const stream = await client.stream(id, 'hello');
  const turn = await promise;
  await postgres.stop();
  turn.finish('word');
  const rest = stream.rest();
  await eventually(async () => expect(await storeOf(router)).toBe('unavailable'));
  await postgres.startAgain();
  expect((await rest).at(-1)).toBe('[DONE]');
  expect(await client.transcript(id)).toEqual(['hello', 'word']);
});

test('a router that is started before its store serves at once and learns of the store later', async () => {
  const databaseUrl = await postgres.createDatabase();
  await postgres.stop();
  await using engine = await startScriptedEngine();
  await using router = await startTestRouter({ databaseUrl, workerUrls: [engine.url] });
  expect((await router.chat({ model: 'scripted', messages: [] })).status).toBe(200);
  await using runner = await FakeRunner.start('a');
  await runner.register(router.url);
  expect(await runner.beat(router.url)).toBe(200);

  await postgres.startAgain();
  await becomesAvailable(router);
  // The registration failed, so the runner has to come again: its heartbeat says so.
  expect(await runner.beat(router.url)).toBe(404);
  await runner.register(router.url);
  const client = new SessionClient(router.url);
  const { id } = await client.create();
  expect((await client.ask(id, 'hello')).status).toBe(200);
});

test('a wrong password is a mistake, not an outage: the router does not start', async () => {
  const url = (await postgres.createDatabase()).replace(/fleet_\d+$/, 'no_such_database');
  await expect(startTestRouter({ databaseUrl: url })).rejects.toThrow('does not exist');
});

test('a resumption that the store breaks off leaves the session paused, for the next one to succeed', async () => {
  await using runner = await FakeRunner.start('a');
  await using router = await startTestRouter({ databaseUrl: await postgres.createDatabase() });
  const client = new SessionClient(router.url);
  await runner.register(router.url);
  const { id } = await client.create();
  await client.post(id, 'pause');
  runner.onCreate = () => postgres.stop();
  expect((await client.post(id, 'resume')).body.error.code).toBe('STORE_UNAVAILABLE');
  runner.onCreate = () => {};
  await postgres.startAgain();
  await becomesAvailable(router);
  await eventually(async () => expect((await client.post(id, 'resume')).body.status).toBe('active'));
  expect((await client.ask(id, 'hello')).status).toBe(200);
});
