import { eventually } from '../../support/eventually.ts';
import type { FakeTurn } from '../../support/fake-runner.ts';
import { type SessionFleet, startSessionFleet } from '../../support/session-fleet.ts';
import { type StoreFactory, startStores, storeKinds } from '../../support/stores.ts';

describe.each(storeKinds)('turns in %s', (kind) => {
  let stores: StoreFactory;
  let fleet: SessionFleet;
  beforeAll(async () => {
    stores = await startStores(kind);
  });
  afterAll(() => stores[Symbol.asyncDispose]());
  beforeEach(async () => {
    fleet = await startSessionFleet({ ...(await stores.fresh()), heartbeatSeconds: 0.05 }, 2);
  });
  afterEach(() => fleet[Symbol.asyncDispose]());

  /** Runner a says one word and leaves the rest to the test. */
  const heldTurn = (): Promise<FakeTurn> => {
    const { promise, resolve } = Promise.withResolvers<FakeTurn>();
    fleet.runners[0]!.onTurn = (turn) => {
      turn.say('word');
      resolve(turn);
    };
    return promise;
  };

  test('the end of an answer is held back until the turn is recorded', async () => {
    const { client } = fleet;
    const { id } = await client.create();
    const held = heldTurn();
    const stream = await client.stream(id, 'hello');
    expect(await stream.next()).toMatchObject({ choices: [{ delta: { content: 'word' } }] });
    const turn = await held;
    turn.event({ object: 'chat.completion.chunk', choices: [{ index: 0, delta: {}, finish_reason: 'length' }] });
    // Two heartbeats later nothing but heartbeats has come.
    const following = stream.next();
    const { text } = stream;
    while (stream.text.slice(text.length).split(': ping').length < 3) await new Promise(setImmediate);
    expect(stream.text.slice(text.length).replaceAll(': ping', '').trim()).toBe('');
    expect(await client.transcript(id)).toEqual([]);

    turn.event({ object: 'fleet.turn', message: { role: 'assistant', content: 'word' }, state: null, usage: null });
    expect(await following).toMatchObject({ choices: [{ finish_reason: 'length' }] });
    expect(await client.transcript(id)).toEqual(['hello', 'word']);
    expect(await stream.rest()).toEqual(['[DONE]']);
    turn.response.end();
  });

  test('a runner that dies in the middle pauses the session, and the turn is nowhere', async () => {
    const { client, runners } = fleet;
    const { id } = await client.create();
    await client.ask(id, 'before');
    const held = heldTurn();
    const stream = await client.stream(id, 'hello');
    await held;
    await runners[0]!.die();
    const last = (await stream.rest()).at(-1);
    expect(last).toMatchObject({ error: { code: 'RUNNER_LOST', message: expect.stringContaining('/resume') } });
    expect((await client.get(id)).body).toMatchObject({ status: 'paused', pauseReason: 'runner-lost', turns: 1 });
    expect((await client.ask(id, 'hello')).body.error.code).toBe('SESSION_PAUSED');

    expect((await client.post(id, 'resume')).body).toMatchObject({ status: 'active', runnerId: 'b' });
    await client.ask(id, 'hello');
    expect(await client.transcript(id)).toEqual(['before', 'echo: before', 'hello', 'echo: hello']);
  });

  test('a runner that cannot be reached is a 503 before the first event', async () => {
    const { client, runners } = fleet;
    const { id } = await client.create();
    await runners[0]!.die();
    const answer = await client.ask(id, 'hello');
    expect([answer.status, answer.body.error.code]).toEqual([503, 'RUNNER_LOST']);
    expect((await client.get(id)).body.status).toBe('paused');
  });

  test('a runner that was restarted has no sandbox: the session is paused', async () => {
    const { client, runners } = fleet;
    const { id } = await client.create();
    runners[0]!.sandboxes.clear();
    expect((await client.ask(id, 'hello')).body.error.code).toBe('RUNNER_LOST');
    expect((await client.get(id)).body).toMatchObject({ status: 'paused', pauseReason: 'runner-lost' });
  });

  test('a runner that drains pauses the session, which goes on elsewhere, before the store has heard of the drain', async () => {
    const { client, runners, router } = fleet;
    const { id } = await client.create();
    await client.ask(id, 'before');
    runners[0]!.drain();
    for (const answer of [await client.ask(id, 'hello'), await client.ask(id, 'hello')]) {
      expect([answer.status, answer.body.error.code]).toEqual([409, 'SESSION_PAUSED']);
      expect(answer.body.error.message).toContain(`POST /api/sessions/${id}/resume`);
    }
    expect((await client.get(id)).body).toMatchObject({ status: 'paused', pauseReason: 'runner-left', turns: 1 });
    expect(runners[0]!.sandboxes.size).toBe(0);
    expect(await router.metrics()).toContain('session_changes_total{to="paused",reason="runner-left"} 1');

    expect((await client.post(id, 'resume')).body).toMatchObject({ status: 'active', runnerId: 'b' });
    await client.ask(id, 'hello');
    expect(await client.transcript(id)).toEqual(['before', 'echo: before', 'hello', 'echo: hello']);
  });

  test("an agent's own error leaves the session as it was", async () => {
    const { client, runners } = fleet;
    const { id } = await client.create();
    const echo = runners[0]!.onTurn;
    runners[0]!.onTurn = ({ response, event }) => {
      event({ error: { message: 'too long', type: 'invalid_request_error', param: null, code: 'ENGINE_REFUSED' } });
      response.end();
    };
    const answer = await client.ask(id, 'hello');
    expect([answer.status, answer.body.error]).toMatchObject([502, { code: 'ENGINE_REFUSED', message: 'too long' }]);
    runners[0]!.onTurn = echo;
    expect((await client.ask(id, 'shorter')).status).toBe(200);
    expect(await client.transcript(id)).toEqual(['shorter', 'echo: shorter']);
  });

  test('a sandbox that does not come back from an error is given up', async () => {
    const { client, runners } = fleet;
    const { id } = await client.create();
    runners[0]!.onTurn = ({ event, response }) => {
      runners[0]!.sandboxes.delete(id);
      event({ error: { message: 'crashed', type: 'sandbox_error', param: null, code: 'SANDBOX_DIED' } });
      response.end();
    };
    expect((await client.ask(id, 'hello')).body.error.code).toBe('SANDBOX_DIED');
    expect((await client.get(id)).body).toMatchObject({ status: 'paused', pauseReason: 'turn-failed' });
  });

  test('one message at a time; no pause in between', async () => {
    const { client } = fleet;
    const { id } = await client.create();
    const held = heldTurn();
    const stream = await client.stream(id, 'first');
    const turn = await held;
    const second = await client.ask(id, 'second');
    expect([second.status, second.body.error.code]).toEqual([409, 'SESSION_BUSY']);
    expect((await client.post(id, 'pause')).body.error.code).toBe('SESSION_BUSY');
    turn.finish('done');
    await stream.rest();
    expect(await client.transcript(id)).toEqual(['first', 'done']);
  });

  test('of many messages at once exactly one is answered', async () => {
    const { client } = fleet;
    const { id } = await client.create();
    const held = heldTurn();
    const statuses: number[] = [];
    const ask = async (i: number) => statuses.push((await client.ask(id, `${i}`)).status);
    const answers = Array.from({ length: 8 }, (_, i) => ask(i));
    await eventually(() => expect(statuses).toEqual(Array(7).fill(409)));
    (await held).finish('done');
    await Promise.all(answers);
    expect(statuses.at(-1)).toBe(200);
    expect(await client.transcript(id)).toHaveLength(2);
  });

  test('an Idempotency-Key makes a message safe to repeat', async () => {
    const { client, runners } = fleet;
    const { id } = await client.create();
    const key = { 'idempotency-key': 'k-1' };
    const held = heldTurn();
    const first = client.ask(id, 'hello', key);
    const turn = await held;
    expect((await client.ask(id, 'hello', key)).body.error.code).toBe('TURN_IN_PROGRESS');
    const mixedUp = await client.ask(id, 'other', key);
    expect([mixedUp.status, mixedUp.body.error.code]).toEqual([422, 'IDEMPOTENCY_MISMATCH']);
    turn.finish('answer');
    const { body } = await first;

    const repeated = await client.ask(id, 'hello', key);
    expect(repeated.headers.get('x-fleet-replayed')).toBe('true');
    expect(repeated.body).toMatchObject({ id: body.id, choices: body.choices, usage: body.usage });
    await client.post(id, 'pause');
    expect(await (await client.stream(id, 'hello', key)).rest()).toMatchObject([
      { id: body.id, choices: [{ delta: { role: 'assistant', content: 'answer' } }] },
      { choices: [{ finish_reason: 'stop' }] },
      '[DONE]',
    ]);
    expect((await client.ask(id, 'other', key)).status).toBe(422);
    expect(runners[0]!.calls.filter((call) => call.endsWith('/messages'))).toHaveLength(1);
    expect((await client.ask(id, 'hello', { 'idempotency-key': 'a b' })).body.error.code).toBe('INVALID_BODY');
  });

  test('a client that leaves does not stop its turn', async () => {
    const { client } = fleet;
    const { id } = await client.create();
    const held = heldTurn();
    const stream = await client.stream(id, 'hello', { 'idempotency-key': 'k' });
    const turn = await held;
    await stream.leave();
    turn.finish('all of it');
    const again = async (): Promise<unknown> => {
      const { status, body } = await client.ask(id, 'hello', { 'idempotency-key': 'k' });
      return status === 409 ? again() : body.choices[0].message.content;
    };
    expect(await again()).toBe('all of it');
  });

  test('deleting a session ends its turn, which is not recorded', async () => {
    const { client } = fleet;
    const { id } = await client.create();
    const held = heldTurn();
    const stream = await client.stream(id, 'hello');
    const turn = await held;
    await client.call('DELETE', `/api/sessions/${id}`);
    turn.finish('too late');
    expect((await stream.rest()).at(-1)).toMatchObject({ error: { code: 'TURN_SUPERSEDED' } });
    expect((await client.get(id)).body).toMatchObject({ status: 'ended', turns: 0, messages: [] });
  });

  test('text that databases dislike comes back as it was', async () => {
    const { client } = fleet;
    const { id } = await client.create();
    const content = 'nul \u0000, emoji \u{1f9ea}, quote \' " \\';
    await client.ask(id, content);
    expect(await client.transcript(id)).toEqual([content, `echo: ${content}`]);
  });
});

test('an answer that takes too long fails, and its sandbox is not used again', async () => {
  await using fleet = await startSessionFleet({ turnTimeoutSeconds: 0.1 });
  const { client, runners } = fleet;
  const { id } = await client.create();
  runners[0]!.onTurn = (turn) => turn.say('word');
  const events = await (await client.stream(id, 'hello')).rest();
  expect(events.at(-1)).toMatchObject({ error: { code: 'TURN_TIMEOUT' } });
  expect((await client.get(id)).body).toMatchObject({ status: 'paused', pauseReason: 'turn-failed' });
  expect(runners[0]!.sandboxes.size).toBe(0);
});

test('a router that shuts down waits for turns and takes no new ones', async () => {
  const fleet = await startSessionFleet({ drainSeconds: 10 });
  const { client, runners } = fleet;
  const { id } = await client.create();
  const other = await client.create();
  const { promise, resolve } = Promise.withResolvers<FakeTurn>();
  runners[0]!.onTurn = resolve;
  const answer = client.ask(id, 'hello');
  const turn = await promise;
  const closed = fleet[Symbol.asyncDispose]();
  const refused = await client.ask(other.id, 'hello');
  expect([refused.status, refused.body.error.code]).toEqual([503, 'SHUTTING_DOWN']);
  turn.finish('in time');
  expect((await answer).status).toBe(200);
  await closed;
});

test('metrics tell what became of sessions and messages', async () => {
  await using fleet = await startSessionFleet();
  const { client, router, runners } = fleet;
  const { id } = await client.create();
  await client.ask(id, 'hello', { 'idempotency-key': 'k' });
  await client.ask(id, 'hello', { 'idempotency-key': 'k' });
  await runners[0]!.die();
  await client.ask(id, 'more');
  const metrics = await router.metrics();
  for (const line of [
    'fleet_router_session_changes_total{to="active",reason="created"} 1',
    'fleet_router_session_changes_total{to="paused",reason="runner-lost"} 1',
    'fleet_router_session_turns_total{outcome="recorded"} 1',
    'fleet_router_session_turns_total{outcome="replayed"} 1',
    'fleet_router_session_turns_total{outcome="RUNNER_LOST"} 1',
    'fleet_router_session_first_event_seconds_count 1',
    'fleet_router_session_turns_running 0',
  ]) {
    expect(metrics).toContain(line);
  }
});
