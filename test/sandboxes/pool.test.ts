import { identifyProcess } from '../../runtime/shared/process/process-table.ts';
import { eventually } from '../support/eventually.ts';
import { until } from '../support/poll.ts';
import { readTurn, StartedPool, scriptedAgent } from '../support/started-pool.ts';

const isGone = (pid: number) => identifyProcess(pid) === undefined;
const cold = () => scriptedAgent([], { name: 'cold', warm: 0 });

test('text alone becomes OpenAI chunks: a role first, a finish last, then the turn', async () => {
  await using host = await StartedPool.start();
  const { events } = await (await host.session()).say('say one two');
  const chunk = (delta: object, finish_reason: string | null) => ({
    id: 's-1',
    object: 'chat.completion.chunk',
    created: expect.any(Number),
    choices: [{ index: 0, delta, finish_reason }],
  });
  expect(events).toEqual([
    chunk({ role: 'assistant', content: 'one ' }, null),
    chunk({ content: 'two' }, null),
    chunk({}, 'stop'),
    {
      object: 'fleet.turn',
      message: { role: 'assistant', content: 'one two' },
      state: { turns: 1 },
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    },
  ]);
});

test('chunks of an agent pass through with all their fields', async () => {
  await using host = await StartedPool.start();
  const { events, done } = await (await host.session()).say('chunks');
  expect(events[0]).toMatchObject({ id: 'c', model: 'm', choices: [{ delta: { reasoning_content: 'hm' } }] });
  expect(done).toEqual({
    object: 'fleet.turn',
    message: { role: 'assistant', content: 'hi' },
    state: null,
    usage: null,
  });
});

test('an agent learns its session: model, system prompt, metadata, what is restored', async () => {
  await using host = await StartedPool.start();
  const messages = [
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b' },
  ] as const;
  await host.pool.create({
    sessionId: 's',
    agent: 'scripted',
    model: 'm',
    system: 'be kind',
    metadata: { team: 'x' },
    restore: { messages, state: { turns: 7 } },
  });
  const { text } = await readTurn(await host.pool.openTurn('s', { turnId: 't', content: 'init' }));
  expect(JSON.parse(text)).toEqual({
    type: 'init',
    sessionId: 's',
    agent: 'scripted',
    model: 'm',
    system: 'be kind',
    metadata: { team: 'x' },
    messages,
    state: { turns: 7 },
    engineUrl: 'http://127.0.0.1:1',
  });
});

test('an agent gets the engine and its session in the environment, and nothing of what its host knows', async () => {
  await using host = await StartedPool.start({
    agents: [scriptedAgent([], { env: { TOOL: 'hammer' } })],
    environment: {
      PATH: '/usr/bin:/bin',
      FLEET_INTERNAL_SECRET: 'open-sesame',
      AWS_SECRET_ACCESS_KEY: 'x',
      HOME: '/root',
    },
  });
  const { text } = await (await host.session()).say('env');
  expect(JSON.parse(text)).toEqual({
    PATH: '/usr/bin:/bin',
    OPENAI_BASE_URL: 'http://127.0.0.1:1/v1',
    OPENAI_API_KEY: 'none',
    FLEET_AGENT: 'scripted',
    FLEET_SESSION_ID: 's',
    TOOL: 'hammer',
  });
});

test('a failed turn is told as the agent told it, and the next one works', async () => {
  await using host = await StartedPool.start();
  const session = await host.session();
  await expect(session.say('fail')).rejects.toMatchObject({
    code: 'AGENT_ERROR',
    message: 'Agent "scripted" failed on this turn: the tool broke',
  });
  expect((await session.say('say on')).text).toBe('on');
  expect(host.pool.get('s')).toEqual({ id: 's', agent: 'scripted', status: 'ready', turns: 1 });
});

test('what an agent logs is in the log of its host, under its session', async () => {
  await using host = await StartedPool.start();
  await (await host.session()).say('log disk is nearly full');
  expect(host.logged).toContainEqual(
    expect.objectContaining({ msg: 'agent says', level: 'warn', detail: 'disk is nearly full', sessionId: 's' }),
  );
});

describe('cancelling', () => {
  test('a turn that its reader leaves is stopped in the agent, and the sandbox goes on', async () => {
    await using host = await StartedPool.start();
    const session = await host.session();
    const pid = host.pidOf('s');
    const leaving = new AbortController();
    const events = await session.open('wait', leaving.signal);
    for await (const _event of events) break;
    // A message right behind waits until the agent has stopped.
    expect((await session.say('say next')).text).toBe('next');
    expect(host.pidOf('s')).toBe(pid);
    expect(host.pool.get('s')).toMatchObject({ status: 'ready', turns: 1 });
  });

  test('a signal ends the turn for its reader at once', async () => {
    await using host = await StartedPool.start();
    const session = await host.session();
    const leaving = new AbortController();
    const reading = readTurn(await session.open('wait', leaving.signal));
    leaving.abort();
    await expect(reading).rejects.toMatchObject({ code: 'TURN_CANCELLED' });
    expect((await session.say('say next')).text).toBe('next');
  });

  test.each([
    ['ignores it', 'hang'],
    ['finishes the turn all the same, which nobody will ever know of', 'finish-late'],
  ])('an agent that %s is ended', async (_what, deed) => {
    await using host = await StartedPool.start({ graceMs: 200 });
    const session = await host.session();
    const pid = host.pidOf('s');
    for await (const _event of await session.open(deed)) break;
    await until('its sandbox is gone', () => isGone(pid) && host.pool.get('s') === undefined);
    await expect(session.say('say next')).rejects.toMatchObject({ code: 'UNKNOWN_SANDBOX' });
  });
});

test('one turn at a time: a second one is refused while the first is answered', async () => {
  await using host = await StartedPool.start();
  const session = await host.session();
  const leaving = new AbortController();
  const first = readTurn(await session.open('wait', leaving.signal));
  await expect(session.open('say x')).rejects.toMatchObject({ code: 'SANDBOX_BUSY' });
  expect(host.pool.get('s')).toMatchObject({ status: 'busy' });
  expect(host.pool.busyTurns).toBe(1);
  leaving.abort();
  await expect(first).rejects.toMatchObject({ code: 'TURN_CANCELLED' });
});

describe('creating', () => {
  test('an agent that nobody declared is refused with those that are', async () => {
    await using host = await StartedPool.start({ agents: [scriptedAgent(), cold()] });
    await expect(host.session('s', 'nobody')).rejects.toMatchObject({
      code: 'UNKNOWN_AGENT',
      message: 'There is no agent "nobody". Agents here are scripted, cold.',
    });
  });

  test('a full host refuses, and takes a session again once one has ended', async () => {
    await using host = await StartedPool.start({ maxSandboxes: 1 });
    await host.session('one');
    await expect(host.session('two')).rejects.toMatchObject({ code: 'NO_CAPACITY', retryAfterSeconds: 5 });
    await host.pool.destroy('one');
    await host.session('two');
    expect(host.pool.statistics).toEqual({ activeCount: 1, warmingCount: 0, maxSandboxes: 1 });
  });

  test('asking again for a session gives what it has, also while it is being made', async () => {
    await using host = await StartedPool.start();
    const spec = { sessionId: 's', agent: 'scripted' };
    const made = await Promise.all([host.pool.create(spec), host.pool.create(spec)]);
    expect(made.map(({ isNew }) => isNew)).toEqual([true, false]);
    expect(host.logged.filter((entry) => entry['msg'] === 'sandbox given to a session')).toHaveLength(1);
  });

  test('a sandbox that knows a turn which the store does not is replaced', async () => {
    await using host = await StartedPool.start();
    const session = await host.session();
    await session.say('say lost');
    const pid = host.pidOf('s');
    const { isNew, view } = await host.pool.create({ sessionId: 's', agent: 'scripted' });
    expect([isNew, view.turns]).toEqual([true, 0]);
    expect(isGone(pid)).toBe(true);
  });

  test('a sandbox that knows just what the store knows is kept', async () => {
    await using host = await StartedPool.start();
    await (await host.session()).say('say kept');
    const messages = [
      { role: 'user', content: 'say kept' },
      { role: 'assistant', content: 'kept' },
    ] as const;
    const restore = { messages, state: { turns: 1 } };
    expect(await host.pool.create({ sessionId: 's', agent: 'scripted', restore })).toEqual({
      isNew: false,
      view: { id: 's', agent: 'scripted', status: 'ready', turns: 1 },
    });
  });
});

describe('warming', () => {
  test('sandboxes wait, started, and one of them is given to a session', async () => {
    await using host = await StartedPool.start({ maxSandboxes: 8, warm: 2 });
    host.pool.startWarming();
    await eventually(() => expect(host.waiting()).toHaveLength(2));
    const waiting = host.waiting();
    expect((await (await host.session()).say('say warm')).text).toBe('warm');
    expect(waiting).toContain(host.pidOf('s'));
    await eventually(() => expect(host.waiting()).toHaveLength(2));
  });

  test('they make room for sessions of other agents', async () => {
    await using host = await StartedPool.start({ agents: [scriptedAgent(), cold()], maxSandboxes: 3, warm: 2 });
    host.pool.startWarming();
    await eventually(() => expect(host.waiting()).toHaveLength(1));
    for (const name of ['a', 'b', 'c']) await host.session(name, 'cold');
    expect(host.pool.statistics).toEqual({ activeCount: 3, warmingCount: 0, maxSandboxes: 3 });
    await until('the waiting one is gone', () => host.pids().length === 3);
  });

  test('one that dies while it waits is replaced', async () => {
    await using host = await StartedPool.start({ maxSandboxes: 8, warm: 1 });
    host.pool.startWarming();
    await eventually(() => expect(host.waiting()).toHaveLength(1));
    const [pid] = host.waiting();
    process.kill(pid!, 'SIGKILL');
    await until('another one waits', () => host.waiting().length === 1 && host.waiting()[0] !== pid);
  });

  test('an agent that cannot be started is tried again later and later', async () => {
    await using host = await StartedPool.start({
      agents: [scriptedAgent(['--protocol', '9'])],
      maxSandboxes: 8,
      warm: 1,
    });
    host.pool.startWarming();
    await until('it failed', () => host.logged.some((entry) => entry['msg'] === 'warming a sandbox failed'));
    expect(host.logged.find((entry) => entry['msg'] === 'warming a sandbox failed')).toMatchObject({ waitMs: 500 });
    expect(host.pool.statistics.warmingCount).toBe(0);
  });
});

test('a sandbox without a message for long is ended, and its session is told to make another one', async () => {
  await using host = await StartedPool.start({ idleMs: 50 });
  const session = await host.session();
  await until('it is ended', () => host.pool.get('s') === undefined);
  await expect(session.say('say x')).rejects.toMatchObject({ code: 'UNKNOWN_SANDBOX' });
});

test('a host that refuses work lets a running turn end', async () => {
  await using host = await StartedPool.start();
  const session = await host.session();
  const leaving = new AbortController();
  const running = readTurn(await session.open('wait', leaving.signal));
  host.pool.refuseWork();
  await expect(session.open('say x')).rejects.toMatchObject({ code: 'RUNNER_DRAINING' });
  await expect(host.session('other')).rejects.toMatchObject({ code: 'RUNNER_DRAINING' });
  expect(host.pool.busyTurns).toBe(1);
  leaving.abort();
  await expect(running).rejects.toMatchObject({ code: 'TURN_CANCELLED' });
});

test('closing ends every process', async () => {
  const host = await StartedPool.start({ maxSandboxes: 8, warm: 2 });
  host.pool.startWarming();
  await host.session('a');
  await host.session('b');
  const before = host.pids();
  expect(before.length).toBeGreaterThanOrEqual(2);
  await host.pool.close();
  expect(host.pids()).toEqual([]);
});
