import { eventually } from '../../support/eventually.ts';
import { FakeRunner, type FakeTurn } from '../../support/fake-runner.ts';
import { startScriptedEngine } from '../../support/scripted-engine.ts';
import { SessionClient } from '../../support/session-client.ts';
import { StartedPostgres } from '../../support/started-postgres.ts';
import { startTestRouter } from '../../support/test-router.ts';

let postgres: StartedPostgres;
beforeAll(async () => {
  postgres = await StartedPostgres.start();
});
afterAll(() => postgres[Symbol.asyncDispose]());

const ready = async (url: string) =>
  ((await (await fetch(`${url}/health`)).json()) as { workers: { ready: number } }).workers.ready;

test('any router reaches any runner, its sandboxes and its engine, with one registration', async () => {
  const databaseUrl = await postgres.createDatabase();
  await using engine = await startScriptedEngine();
  await using runner = await FakeRunner.start('a');
  await using one = await startTestRouter({ databaseUrl });
  await using two = await startTestRouter({ databaseUrl });
  await fetch(`${one.url}/api/internal/runners/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...runner.registration, engineUrl: engine.url }),
  });
  const { id } = await new SessionClient(one.url).create();
  const client = new SessionClient(two.url);
  expect((await client.ask(id, 'hello')).body.choices[0].message.content).toBe('echo: hello');
  expect(await new SessionClient(one.url).transcript(id)).toEqual(['hello', 'echo: hello']);
  await eventually(async () => expect(await ready(two.url)).toBe(1));

  await fetch(`${one.url}/api/internal/runners/deregister`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ runnerId: 'a' }),
  });
  expect((await client.ask(id, 'more')).body.error.code).toBe('SESSION_PAUSED');
  await eventually(async () => expect(await ready(two.url)).toBe(0));
});

test('a session has one turn at a time over all routers, and its key is known to all', async () => {
  const databaseUrl = await postgres.createDatabase();
  await using runner = await FakeRunner.start('a');
  await using one = await startTestRouter({ databaseUrl });
  await using two = await startTestRouter({ databaseUrl });
  await runner.register(one.url);
  const [first, second] = [new SessionClient(one.url), new SessionClient(two.url)];
  const { id } = await first.create();
  const { promise, resolve } = Promise.withResolvers<FakeTurn>();
  runner.onTurn = resolve;
  const key = { 'idempotency-key': 'k' };
  const answer = first.ask(id, 'hello', key);
  const turn = await promise;
  expect((await second.ask(id, 'other')).body.error.code).toBe('SESSION_BUSY');
  expect((await second.ask(id, 'hello', key)).body.error.code).toBe('TURN_IN_PROGRESS');
  turn.finish('done');
  const { body } = await answer;
  expect((await second.ask(id, 'hello', key)).body.id).toBe(body.id);
});
