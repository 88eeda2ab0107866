import { execFileSync } from 'node:child_process';
import { eventually } from '../../support/eventually.ts';
import { FakeRunner, type FakeTurn } from '../../support/fake-runner.ts';
import { type StartedProcess, startFleetCommand } from '../../support/process.ts';
import { startScriptedEngine } from '../../support/scripted-engine.ts';
import { SessionClient } from '../../support/session-client.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** A router as a process of its own, with its database on a disk that can be full for it alone. */
async function startRouter(dataDir: string, ...args: string[]) {
  const daemon = startFleetCommand(['router', '--port', '0', '--data-dir', dataDir, '--log-level', 'debug', ...args]);
  const [, url] = await daemon.waitForLine(/"msg":"router listening","url":"([^"]+)"/);
  const logged = (msg: string) =>
    daemon.lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line['msg'] === msg);
  const health = async () =>
    (await (await fetch(`${url}/health`)).json()) as { store: string; workers: { ready: number } };
  return { daemon, url: url!, logged, health };
}

/** The largest file that the process may write: with 0 every write fails, as on a disk without a free block. */
function limitFiles({ pid }: StartedProcess, bytes: '0' | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`]);
}

test('on a full disk inference flows and sessions answer 503; with room again all goes on and nothing is lost', async () => {
  await using folder = await temporaryDirectory();
  await using engine = await startScriptedEngine();
  await using runner = await FakeRunner.start('a');
  const { daemon, url, logged, health } = await startRouter(folder.path, '--worker-url', engine.url);
  await using _router = daemon;
  await eventually(async () => expect((await health()).workers.ready).toBe(1));
  const chat = async () =>
    (await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: '{"messages":[]}' })).status;
  await runner.register(url);
  const client = new SessionClient(url);
  const [one, two] = [await client.create(), await client.create()];
  expect((await client.ask(one.id, 'before')).status).toBe(200);

  const held = Promise.withResolvers<FakeTurn>();
  const echo = runner.onTurn;
  runner.onTurn = (turn) => {
    turn.say('word');
    held.resolve(turn);
  };
  const stream = await client.stream(one.id, 'meanwhile');
  const turn = await held.promise;
  runner.onTurn = echo;
  limitFiles(daemon, '0');
  turn.finish('word');
  const rest = stream.rest();
  for (const [method, path, body] of [
    ['POST', `/api/sessions/${two.id}/messages`, { content: 'hello' }],
    ['POST', '/api/sessions', {}],
    ['POST', `/api/sessions/${two.id}/pause`, undefined],
    ['GET', `/api/sessions/${one.id}`, undefined],
    ['DELETE', `/api/sessions/${two.id}`, undefined],
  ] as const) {
    const answer = await client.call(method, path, body);
    expect([answer.status, answer.body.error.code]).toEqual([503, 'STORE_UNAVAILABLE']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await chat()).toBe(200);
    expect(await runner.beat(url)).toBe(200);
  }
  // It reads, but it does not pass for a usable one.
  await daemon.waitForLine(/"msg":"store still unavailable"/);
  expect((await health()).store).toBe('unavailable');

  limitFiles(daemon, 'unlimited');
  await eventually(async () => expect((await health()).store).toBe('available'));
  expect((await rest).at(-1)).toBe('[DONE]');
  expect((await client.ask(two.id, 'after')).status).toBe(200);
  const transcripts = [
    ['before', 'echo: before', 'meanwhile', 'word'],
    ['after', 'echo: after'],
  ];
  expect([await client.transcript(one.id), await client.transcript(two.id)]).toEqual(transcripts);
  expect([logged('store unavailable').length, logged('store available again').length]).toEqual([1, 1]);

  daemon.signal('SIGKILL');
  await daemon.waitForExit();
  const next = await startRouter(folder.path);
  await using _next = next.daemon;
  const again = new SessionClient(next.url);
  expect([await again.transcript(one.id), await again.transcript(two.id)]).toEqual(transcripts);
});
