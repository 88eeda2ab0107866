import type { CodedError } from '../../runtime/shared/errors.ts';
import type { RunnerBackend, SandboxSpec, TurnDone, TurnEvent } from '../../runtime/shared/sandbox-protocol.ts';
import { until } from '../support/poll.ts';
import { delta, type ScriptedEngine, sse, startScriptedEngine } from '../support/scripted-engine.ts';

export interface ContractSubject extends AsyncDisposable {
  readonly backend: RunnerBackend;
}

/** What a subject is made for. It must offer the agents `chat` and `scripted` (test/support/programs). */
export interface ContractSetting {
  readonly engineUrl: string;
  readonly maxSandboxes: number;
}

/** Every session that the tests make. One of them has what a path must escape. */
const oddId = 'a/b?c=d #%€ ü..';
const sessionIds = ['s', 'a', 'b', 'other', oddId];
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const answer = (text: string) =>
  sse(delta(text), { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }, { choices: [], usage }, '[DONE]');

/**
 * What every RunnerBackend promises, whatever lies between it and its sandboxes.
 * @param start makes the subject; all tests use the same one and leave it without sessions
 */
export function describeRunnerBackend(
  name: string,
  start: (setting: ContractSetting) => Promise<ContractSubject>,
): void {
  describe(`the RunnerBackend contract: ${name}`, () => {
    let stack: AsyncDisposableStack;
    let backend: RunnerBackend;
    let engine: ScriptedEngine;

    beforeAll(async () => {
      stack = new AsyncDisposableStack();
      engine = stack.use(await startScriptedEngine());
      ({ backend } = stack.use(await start({ engineUrl: engine.url, maxSandboxes: 2 })));
    });
    beforeEach(() => {
      engine.script = (response) => void response.end(answer('hello'));
    });
    afterEach(async () => {
      for (const sessionId of sessionIds) await backend.destroySandbox(sessionId);
    });
    afterAll(async () => {
      await backend.close();
      await stack.disposeAsync();
    });

    const chat: SandboxSpec = { sessionId: 's', agent: 'chat', model: 'm' };
    const scripted: SandboxSpec = { sessionId: 's', agent: 'scripted' };
    let turns = 0;
    const open = (content: string, signal?: AbortSignal, sessionId = 's') =>
      backend.sendMessage(sessionId, { turnId: `turn-${++turns}`, content }, signal);
    const read = async (events: AsyncIterable<TurnEvent>): Promise<TurnEvent[]> => {
      const all: TurnEvent[] = [];
      for await (const event of events) all.push(event);
      return all;
    };
    const say = async (content: string) => (await read(open(content))).at(-1) as TurnDone;
    const codeOf = async (call: Promise<unknown>) =>
      await call.then(
        () => 'no error',
        (error: CodedError) => error.code,
      );

    test('a sandbox is made, seen, used and ended', async () => {
      expect(await backend.createSandbox(chat)).toEqual({ id: 's', agent: 'chat', status: 'ready', turns: 0 });
      const events = await read(open('hi'));
      expect(events[0]).toMatchObject({ object: 'chat.completion.chunk', choices: [{ delta: { content: 'hello' } }] });
      expect(events.at(-1)).toEqual({
        object: 'fleet.turn',
        message: { role: 'assistant', content: 'hello' },
        state: null,
        usage,
      });
      const view = { id: 's', agent: 'chat', status: 'ready', turns: 1 };
      expect(await backend.getSandbox('s')).toEqual(view);
      expect(await backend.listSandboxes()).toEqual([view]);
      await backend.destroySandbox('s');
      expect(await backend.listSandboxes()).toEqual([]);
      expect(await backend.getSandbox('s')).toBeUndefined();
      expect((await backend.statistics()).activeCount).toBe(0);
    });

    test('chunks come while the agent still works', async () => {
      await backend.createSandbox(scripted);
      const events = open('wait')[Symbol.asyncIterator]();
      const { value } = await events.next();
      expect(value).toMatchObject({ choices: [{ delta: { content: 'waiting' } }] });
      expect(await backend.getSandbox('s')).toMatchObject({ status: 'busy' });
      await events.return?.();
    });

    test('making a sandbox twice is no mistake', async () => {
      await backend.createSandbox(scripted);
      expect(await backend.createSandbox(scripted)).toMatchObject({ id: 's', turns: 0 });
      expect((await backend.statistics()).activeCount).toBe(1);
    });

    test('a session id may hold any character', async () => {
      const sessionId = oddId;
      await backend.createSandbox({ ...scripted, sessionId });
      expect((await backend.getSandbox(sessionId))?.id).toBe(sessionId);
      expect((await read(open('say x', undefined, sessionId))).at(-1)).toMatchObject({ object: 'fleet.turn' });
      await backend.destroySandbox(sessionId);
      expect(await backend.getSandbox(sessionId)).toBeUndefined();
    });

    test('a session is restored from its transcript and its state', async () => {
      const messages = [
        { role: 'user', content: 'say "ä"\n' },
        { role: 'assistant', content: 'ä' },
      ] as const;
      await backend.createSandbox({ ...scripted, restore: { messages, state: { turns: 7, nested: [null, 1] } } });
      const { message } = await say('init');
      expect(JSON.parse(message.content)).toMatchObject({ messages, state: { turns: 7, nested: [null, 1] } });
    });

    test('agent state comes with the turn', async () => {
      await backend.createSandbox(scripted);
      expect((await say('say x')).state).toEqual({ turns: 1 });
      expect((await say('say x')).state).toEqual({ turns: 2 });
    });

    test('ending a sandbox that is not there is no mistake', async () => {
      await backend.destroySandbox('nobody');
    });

    test('a message to a session without a sandbox is refused', async () => {
      expect(await codeOf(read(open('hi')))).toBe('UNKNOWN_SANDBOX');
    });

    test('an agent that nobody declared is refused', async () => {
      expect(await codeOf(backend.createSandbox({ sessionId: 's', agent: 'nobody' }))).toBe('UNKNOWN_AGENT');
    });

    test('more sandboxes than there is room for are refused', async () => {
      await backend.createSandbox({ ...scripted, sessionId: 'a' });
      await backend.createSandbox({ ...scripted, sessionId: 'b' });
      expect(await codeOf(backend.createSandbox({ ...scripted, sessionId: 'c' }))).toBe('NO_CAPACITY');
      expect(await backend.statistics()).toEqual({ activeCount: 2, warmingCount: 0, maxSandboxes: 2 });
    });

    test('a second message during a turn is refused', async () => {
      await backend.createSandbox(scripted);
      const first = open('wait')[Symbol.asyncIterator]();
      await first.next();
      expect(await codeOf(read(open('say x')))).toBe('SANDBOX_BUSY');
      await first.return?.();
    });

    test('a failure before the first event and one after it both reject with their code', async () => {
      await backend.createSandbox(scripted);
      expect(await codeOf(read(open('fail')))).toBe('AGENT_ERROR');
      engine.script = (response) => void response.writeHead(400).end('{"error":{"message":"too long"}}');
      await backend.destroySandbox('s');
      await backend.createSandbox(chat);
      expect(await codeOf(read(open('hi')))).toBe('ENGINE_REFUSED');
      engine.script = (response) => void response.write(sse(delta('half')), () => response.destroy());
      const events: TurnEvent[] = [];
      const failing = (async () => {
        for await (const event of open('hi')) events.push(event);
      })();
      expect(await codeOf(failing)).toBe('ENGINE_UNAVAILABLE');
      expect(events).toMatchObject([{ choices: [{ delta: { content: 'half' } }] }]);
    });

    test('a sandbox that dies during a turn says so, and the session goes on in a new one', async () => {
      await backend.createSandbox(scripted);
      expect(await codeOf(read(open('crash')))).toBe('SANDBOX_DIED');
      expect(await backend.getSandbox('s')).toBeUndefined();
      expect(await codeOf(read(open('say x')))).toBe('UNKNOWN_SANDBOX');
      await backend.createSandbox(scripted);
      expect((await say('say again')).message.content).toBe('again');
    });

    test('a reader that stops reading cancels its turn', async () => {
      await backend.createSandbox(scripted);
      for await (const _event of open('wait')) break;
      await until('the sandbox is free', async () => (await backend.getSandbox('s'))?.status === 'ready');
      expect((await say('say next')).message.content).toBe('next');
    });

    test('a signal cancels a turn', async () => {
      await backend.createSandbox(scripted);
      const leaving = new AbortController();
      const events = open('wait', leaving.signal)[Symbol.asyncIterator]();
      await events.next();
      leaving.abort();
      await expect(events.next()).rejects.toThrow();
      await until('the sandbox is free', async () => (await backend.getSandbox('s'))?.status === 'ready');
    });

    test('sessions do not wait for each other', async () => {
      await backend.createSandbox(scripted);
      await backend.createSandbox({ ...scripted, sessionId: 'other' });
      const waiting = open('wait')[Symbol.asyncIterator]();
      await waiting.next();
      expect((await read(open('say x', undefined, 'other'))).at(-1)).toMatchObject({ message: { content: 'x' } });
      await waiting.return?.();
    });
  });
}
