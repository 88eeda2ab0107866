import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startFleetCommand } from '../support/process.ts';
import { runFleet } from '../support/run-fleet.ts';
import { startScriptedServer, unusedUrl } from '../support/scripted-openai-server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const trace = path.join(import.meta.dirname, '../../traces/mooncake-conversation-2000.jsonl.gz');

test('fleet replay --json prints one object and leaves with 0 when nothing failed', async () => {
  await using server = await startScriptedServer({ answer: () => ({ worker: 'w1' }) });
  const run = await runFleet(['replay', trace, '--limit', '3', '--max-output-tokens', '2', '--json'], {
    env: { FLEET_URL: server.url, FLEET_API_KEY: 'secret' },
  });
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(run.stdout)).toMatchObject({
    url: server.url,
    requests: { planned: 3, completed: 3, failed: 0, wrongLength: 0 },
    workers: [{ worker: 'w1', requests: 3 }],
  });
  expect(server.received[0]?.headers.authorization).toBe('Bearer secret');
});

test('fleet replay prints a table and leaves with 1 when a request failed', async () => {
  await using server = await startScriptedServer({
    answer: (_, index) => (index === 1 ? { error: { status: 500, code: 'BROKEN', message: 'It broke.' } } : {}),
  });
  const run = await runFleet(['replay', trace, '--limit', '3', '--url', server.url]);
  expect(run.code).toBe(1);
  expect(run.stdout).toMatch(
    /completed 2 {3}errors 1 \(1 before their first token\)\n {2}1 x http 500 BROKEN: It broke\./,
  );
  expect(run.stdout).toMatch(/mean +p50 +p90 +p99 +max\nTTFT, s/);
});

test('without a server fleet replay says where it looked and what to do, and sends nothing', async () => {
  const run = await runFleet(['replay', trace, '--url', await unusedUrl()]);
  expect(run).toMatchObject({ code: 1, stdout: '' });
  expect(run.stderr).toMatch(/^fleet replay: nothing answers at http:\/\/127\.0\.0\.1:\d+ .*\n.*npm start.*--url.*\n$/);
});

test('a bad row is reported before anything is sent', async () => {
  await using server = await startScriptedServer();
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'bad.jsonl');
  await writeFile(file, '{"timestamp":0,"input_length":4,"output_length":2,"hash_ids":[1]}\n{"timestamp":-1}\n');
  const run = await runFleet(['replay', file, '--url', server.url]);
  expect(run).toMatchObject({ code: 1, stdout: '' });
  expect(run.stderr).toContain('bad.jsonl, line 2: timestamp is -1; expected the arrival in ms, 0 or more.');
  expect(server.received).toHaveLength(0);
});

test('Ctrl-C stops the replay and prints what was measured', async () => {
  const arrived = Promise.withResolvers<void>();
  await using server = await startScriptedServer({
    answer: (_, index) => {
      if (index === 1) arrived.resolve();
      return index === 0 ? {} : { hold: new Promise(() => {}) };
    },
  });
  await using replay = startFleetCommand(['replay', trace, '--limit', '2', '--url', server.url]);
  await arrived.promise;
  replay.signal('SIGINT');
  expect(await replay.waitForExit()).toEqual({ code: 130, signal: null });
  expect(replay.output).toContain('cancelled in flight');
});
