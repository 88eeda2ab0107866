import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAnswer, answerFigures, newConversation } from '../../runtime/cli/chat-conversation.ts';
import { terminalText } from '../../runtime/cli/terminal-text.ts';
import { until } from '../support/poll.ts';
import { runFleet } from '../support/run-fleet.ts';
import { startScriptedServer, unusedUrl } from '../support/scripted-openai-server.ts';

const answer = {
  text: 'hello there',
  isCancelled: false,
  worker: 'w1',
  ttftSeconds: 0.5,
  durationSeconds: 2.5,
  usage: { promptTokens: 200, completionTokens: 101, cachedTokens: 50 },
};

test('one message prints its answer on stdout and the figures on stderr', async () => {
  await using server = await startScriptedServer({ answer: () => ({ worker: 'w1' }) });
  const run = await runFleet(['chat', '--url', server.url, '--system', 'Be brief.', '--message', 'Hi'], {
    env: { FLEET_API_KEY: 'secret' },
  });
  expect(run).toMatchObject({ code: 0, stdout: 'hello there\n' });
  expect(run.stderr).toMatch(/^w1 {2}· {2}first token .* s {2}·.*4 of 10 prompt tokens cached \(40\.0 %\)\n$/);
  expect(server.received).toMatchObject([
    {
      path: '/v1/chat/completions',
      headers: { authorization: 'Bearer secret' },
      body: {
        model: 'scripted',
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Hi' },
        ],
      },
    },
  ]);
});

test('piped lines are a conversation: each turn carries the ones before', async () => {
  await using server = await startScriptedServer({ answer: (_, index) => ({ words: [`answer ${index + 1}`] }) });
  const run = await runFleet(['chat', '--url', server.url], { input: 'one\n\ntwo' });
  expect(run).toMatchObject({ code: 0, stdout: 'answer 1\nanswer 2\n' });
  expect(server.received[1]?.body['messages']).toEqual([
    { role: 'user', content: 'one' },
    { role: 'assistant', content: 'answer 1' },
    { role: 'user', content: 'two' },
  ]);
});

test('an error is one readable line, ends only its turn, and shows in the exit status', async () => {
  await using server = await startScriptedServer({
    answer: (_, index) =>
      index === 0 ? { error: { status: 503, code: 'NO_READY_WORKER', message: 'No worker is ready.' } } : {},
  });
  const run = await runFleet(['chat', '--url', server.url], { input: 'one\ntwo\n' });
  expect(run).toMatchObject({ code: 1, stdout: 'hello there\n' });
  expect(run.stderr).toContain('answered 503: No worker is ready.\n');
  expect(run.stderr).not.toMatch(/^ +at /m);
  expect(server.received[1]?.body['messages']).toEqual([{ role: 'user', content: 'two' }]);
});

test('a stream that breaks off keeps what it showed and says so', async () => {
  await using server = await startScriptedServer({ answer: () => ({ isCut: true }) });
  const run = await runFleet(['chat', '--url', server.url, '--message', 'Hi']);
  expect(run).toMatchObject({ code: 1, stdout: 'hello there\n' });
  expect(run.stderr).toMatch(/^fleet chat: the answer broke off: .*\n$/);
});

test('without a server fleet chat says where it looked and what to do', async () => {
  const run = await runFleet(['chat', '--url', await unusedUrl(), '--message', 'Hi']);
  expect(run).toMatchObject({ code: 1, stdout: '' });
  expect(run.stderr).toMatch(/^fleet chat: nothing answers at http:\/\/127\.0\.0\.1:\d+ .*\n.*npm start.*\n$/);
});

test('Ctrl-C cancels the answer on the server too, the next one leaves', async () => {
  await using server = await startScriptedServer({ answer: () => ({ hold: new Promise(() => {}) }) });
  const main = path.join(import.meta.dirname, '../../runtime/cli/main.ts');
  const { NODE_OPTIONS: _, ...env } = process.env;
  const chat = spawn(process.execPath, [main, 'chat', '--url', server.url], { env, stdio: 'pipe', timeout: 20_000 });
  const errors = text(chat.stderr);
  // stdin stays open, as a terminal's does.
  chat.stdin.write('one\n');
  await once(chat.stdout, 'data');
  chat.kill('SIGINT');
  await until('the server saw the client go', () => server.disconnects.count === 1);
  chat.stdin.write('two\n');
  await until('the next question arrived', () => server.received.length === 2);
  expect(server.received[1]?.body['messages']).toMatchObject([{}, { content: 'hello there' }, { content: 'two' }]);
  chat.kill('SIGINT');
  await until('the second answer was cancelled', () => server.disconnects.count === 2);
  chat.kill('SIGINT');
  const [code] = await once(chat, 'close');
  expect(code).toBe(0);
  expect(await errors).toMatch(/cancelled.*cancelled/s);
});

test('a cancelled answer stays as far as it was shown; one without text never happened', () => {
  const asked = [...newConversation('system'), { role: 'user', content: 'Hi' } as const];
  expect(afterAnswer(asked, { ...answer, isCancelled: true }).at(-1)).toEqual({
    role: 'assistant',
    content: 'hello there',
  });
  expect(afterAnswer(asked, { ...answer, isCancelled: true, text: '' })).toEqual(newConversation('system'));
});

test('the figures leave out what is not known', () => {
  expect(answerFigures(answer)).toBe(
    'w1  ·  first token 0.500 s  ·  50.0 tokens/s  ·  50 of 200 prompt tokens cached (25.0 %)',
  );
  const bare = { ...answer, worker: undefined, usage: undefined, ttftSeconds: undefined, isCancelled: true };
  expect(answerFigures(bare)).toBe('cancelled');
});

test('text of a model cannot drive the terminal', () => {
  expect(terminalText('a\x1b]0;title\x07b\r\n\tc\u009b2J')).toBe('a]0;titleb\n\tc2J');
});
