import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AgentProgram } from '../../runtime/sandboxes/agent-definition.ts';
import { sendJson, startScriptedEngine } from '../support/scripted-engine.ts';
import { readTurn, StartedPool, scriptedAgent } from '../support/started-pool.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const page = path.join(import.meta.dirname, '../../docs/agents.md');
/** An agent needs what its language needs; developing the fleet does not. Where Python is there, as in CI, its example is run. */
const hasPython = spawnSync('python3', ['-c', '']).status === 0;
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };

/** Runs the page's example in the language of its fence. */
async function startExample(language: string, file: string, program: (file: string) => AgentProgram) {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryDirectory());
  const code = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(await readFile(page, 'utf8'))![1]!;
  await writeFile(path.join(folder.path, file), code);
  const asked: unknown[] = [];
  const engine = stack.use(
    await startScriptedEngine((response, { body }) => {
      asked.push((JSON.parse(body.toString()) as { messages: unknown }).messages);
      sendJson(response, { choices: [{ message: { role: 'assistant', content: `answer ${asked.length}` } }], usage });
    }),
  );
  const agent = scriptedAgent([], { program: program(path.join(folder.path, file)) });
  const host = stack.use(await StartedPool.start({ agents: [agent], engineUrl: () => engine.url }));
  const kept = stack.move();
  return { host, engine, asked, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const before = [
  { role: 'user', content: 'before' },
  { role: 'assistant', content: 'yes' },
] as const;

async function holdConversation({ host, asked }: Awaited<ReturnType<typeof startExample>>) {
  await host.pool.create({ sessionId: 's', agent: 'scripted', restore: { messages: before, state: { turns: 4 } } });
  const say = async (turnId: string) =>
    (await readTurn(await host.pool.openTurn('s', { turnId, content: turnId }))).done;
  const answers = [await say('one'), await say('two')];
  expect(answers.map(({ message }) => message.content)).toEqual(['answer 1', 'answer 2']);
  expect(answers.map((answer) => answer.usage)).toEqual([usage, usage]);
  expect(asked[1]).toEqual([
    ...before,
    { role: 'user', content: 'one' },
    { role: 'assistant', content: 'answer 1' },
    { role: 'user', content: 'two' },
  ]);
  return answers;
}

test('the JavaScript example keeps a conversation and a state, confined as a script', async () => {
  await using example = await startExample('js', 'agent.mjs', (file) => ({ kind: 'script', file }));
  const answers = await holdConversation(example);
  expect(answers.map(({ state }) => state)).toEqual([{ turns: 5 }, { turns: 6 }]);
});

test('the JavaScript example stops when its turn is cancelled, and tells a failure', async () => {
  await using example = await startExample('js', 'agent.mjs', (file) => ({ kind: 'script', file }));
  const session = await example.host.session();
  const leaving = new AbortController();
  const asked = Promise.withResolvers<void>();
  example.engine.script = () => asked.resolve();
  const cancelled = readTurn(await session.open('hi', leaving.signal));
  await asked.promise;
  leaving.abort();
  await expect(cancelled).rejects.toMatchObject({ code: 'TURN_CANCELLED' });
  example.engine.script = (response) => sendJson(response, {}, 500);
  await expect(session.say('hi')).rejects.toMatchObject({
    message: expect.stringContaining('the engine answered 500'),
  });
});

const pythonTest = async () => {
  await using example = await startExample('python', 'agent.py', (file) => ({
    kind: 'command',
    argv: ['python3', file],
  }));
  await holdConversation(example);
};
if (hasPython) test('the Python example keeps a conversation', pythonTest);
