import { chatAgent } from '../../runtime/sandboxes/chat-agent.ts';
import { until } from '../support/poll.ts';
import { delta, sse, startScriptedEngine } from '../support/scripted-engine.ts';
import { type ScriptedAnswer, startScriptedServer, unusedUrl } from '../support/scripted-openai-server.ts';
import { readTurn, StartedPool } from '../support/started-pool.ts';

const impatient = { ...chatAgent, env: { FLEET_ENGINE_RETRY_MS: '700' } };
const startHost = (engineUrl: string) => StartedPool.start({ agents: [impatient], engineUrl: () => engineUrl });

async function startChat(answer?: (index: number) => ScriptedAnswer) {
  await using stack = new AsyncDisposableStack();
  const engine = stack.use(await startScriptedServer({ answer: (_request, index) => answer?.(index) ?? {} }));
  const host = stack.use(await startHost(engine.url));
  const kept = stack.move();
  return { engine, host, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

test('each turn asks the engine with the whole conversation, and gives back message, usage and chunks', async () => {
  await using chat = await startChat();
  await chat.host.pool.create({ sessionId: 's', agent: 'chat', model: 'm', system: 'be kind' });
  const say = async (turnId: string, content: string) =>
    await readTurn(await chat.host.pool.openTurn('s', { turnId, content }));
  const { events, done } = await say('t1', 'one');
  expect(done).toEqual({
    object: 'fleet.turn',
    message: { role: 'assistant', content: 'hello there' },
    state: null,
    usage: { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 },
  });
  expect(events.slice(0, -1)).toMatchObject([
    { object: 'chat.completion.chunk', choices: [{ delta: { role: 'assistant', content: '' } }] },
    { choices: [{ delta: { content: 'hello' } }] },
    { choices: [{ delta: { content: ' there' } }] },
    { choices: [{ delta: {}, finish_reason: 'stop' }] },
  ]);
  await say('t2', 'two');
  expect(chat.engine.received.map(({ body }) => body)).toMatchObject([
    { model: 'm', stream: true, messages: [{ role: 'system' }, { role: 'user', content: 'one' }] },
    {
      messages: [
        { role: 'system', content: 'be kind' },
        { role: 'user', content: 'one' },
        { role: 'assistant', content: 'hello there' },
        { role: 'user', content: 'two' },
      ],
    },
  ]);
  const ids = chat.engine.received.map(({ body }) => body['rid']);
  expect(new Set(ids).size).toBe(2);
});

test('a restored conversation goes on where it was', async () => {
  await using chat = await startChat();
  const messages = [
    { role: 'user', content: 'before' },
    { role: 'assistant', content: 'yes' },
  ] as const;
  await chat.host.pool.create({ sessionId: 's', agent: 'chat', restore: { messages, state: null } });
  await readTurn(await chat.host.pool.openTurn('s', { turnId: 't', content: 'after' }));
  expect(chat.engine.received[0]!.body['messages']).toEqual([...messages, { role: 'user', content: 'after' }]);
});

test('an engine that says in an event that it is overloaded is asked again', async () => {
  await using engine = await startScriptedEngine((response) => {
    engine.script = (next) => void next.end(sse(delta('now'), '[DONE]'));
    response.end(sse({ error: { message: 'The request queue is full.', code: 503 } }));
  });
  await using host = await startHost(engine.url);
  expect((await (await host.session('s', 'chat')).say('hi')).text).toBe('now');
});

test('an engine that restarts during the turn answers it', async () => {
  await using chat = await startChat((index) =>
    index < 2 ? { error: { status: 503, code: 'overloaded', message: 'full' } } : {},
  );
  expect((await (await chat.host.session('s', 'chat')).say('hi')).text).toBe('hello there');
  expect(chat.engine.received).toHaveLength(3);
});

test('an engine that stays away fails the turn with a clear error', async () => {
  await using host = await startHost(await unusedUrl());
  await expect((await host.session('s', 'chat')).say('hi')).rejects.toMatchObject({
    code: 'ENGINE_UNAVAILABLE',
    status: 503,
    message: expect.stringContaining('ECONNREFUSED'),
  });
});

test('what the engine refuses is not asked again, and does not join the conversation', async () => {
  const refusal = { error: { status: 400, code: 'context', message: 'the prompt is too long' } };
  await using chat = await startChat((index) => (index === 0 ? refusal : {}));
  const session = await chat.host.session('s', 'chat');
  await expect(session.say('long')).rejects.toMatchObject({
    code: 'ENGINE_REFUSED',
    status: 400,
    message: expect.stringContaining('the prompt is too long'),
  });
  await session.say('short');
  expect(chat.engine.received[1]!.body['messages']).toEqual([{ role: 'user', content: 'short' }]);
});

test('an answer that breaks off fails the turn: it was shown already and cannot be asked for again', async () => {
  await using chat = await startChat(() => ({ isCut: true }));
  await expect((await chat.host.session('s', 'chat')).say('hi')).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  expect(chat.engine.received).toHaveLength(1);
});

test('a cancelled turn is aborted in the engine by its id, before its connection is closed', async () => {
  await using engine = await startScriptedEngine((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(sse(delta('thinking')));
  });
  await using host = await startHost(engine.url);
  const session = await host.session('s', 'chat');
  const events = await session.open('hi');
  for await (const _event of events) break;
  await until('the abort arrived', () => engine.aborted.length === 1);
  expect(engine.aborted).toEqual([(JSON.parse(engine.seen[0]!.body.toString()) as { rid: string }).rid]);
  // The conversation is as it was.
  engine.script = (response) => void response.end(sse(delta('done'), '[DONE]'));
  expect((await session.say('again')).text).toBe('done');
  expect(JSON.parse(engine.seen[1]!.body.toString())).toMatchObject({ messages: [{ role: 'user', content: 'again' }] });
});
