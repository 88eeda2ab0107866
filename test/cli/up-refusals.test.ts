import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { startFleetCommand } from '../support/process.ts';
import { StartedFleet } from '../support/started-fleet.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Runs `fleet up` to an end that is expected; its output. */
async function refusal(args: readonly string[]): Promise<string> {
  await using fleet = startFleetCommand(['up', ...args]);
  expect(await fleet.waitForExit()).toMatchObject({ code: 1 });
  expect(fleet.output).not.toMatch(/^ +at /m);
  return fleet.output;
}

test('a port in use is named, with what to do', async () => {
  await using folder = await temporaryDirectory();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const output = await refusal(['--port', String(port), '--data-dir', folder.path]);
  server.close();
  expect(output).toContain(`fleet up: port ${port} on 127.0.0.1 is in use by another program.`);
  expect(output).toContain(`npm start -- --port ${port + 1}`);
});

test('an address of another machine is named', async () => {
  await using folder = await temporaryDirectory();
  const output = await refusal(['--port', '0', '--host', '203.0.113.7', '--data-dir', folder.path]);
  expect(output).toContain('203.0.113.7 is not an address of this machine.');
});

test('a second fleet on the same data folder is told who has it', async () => {
  await using fleet = await StartedFleet.start();
  const output = await refusal(['--port', '0', '--data-dir', fleet.dataDir]);
  expect(output).toMatch(
    new RegExp(`another local fleet already runs on \\S+ \\(process ${fleet.process.pid}, since \\d{4}-`),
  );
  expect(await fleet.complete()).toMatchObject({ status: 200 });
});

test('a data folder that cannot be written is named with the reason', async () => {
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'file');
  writeFileSync(file, '');
  const output = await refusal(['--port', '0', '--data-dir', path.join(file, 'data')]);
  expect(output).toMatch(/cannot write to .*file\/data: ENOTDIR/);
  expect(output).toContain('--data-dir');
});

test('--model without an installed SGLang says how to get it', async () => {
  await using folder = await temporaryDirectory();
  const output = await refusal(['--port', '0', '--data-dir', folder.path, '--model', 'm', '--python', 'false']);
  expect(output).toContain('SGLang is not installed for false');
  expect(output).toContain('leave --model out to simulate the engines');
});

test.each([
  [['--engine-url', 'http://127.0.0.1:1', '--model', 'm'], '--engine-url and --model contradict each other'],
  [['--engine-url', 'http://127.0.0.1:1', '--workers', '2'], '--workers does not go with --engine-url'],
  [['--model', 'm', '--preset', 'p'], '--preset is for simulated engines'],
  [['--preset', 'no-such-gpu'], 'unknown preset "no-such-gpu"; there are '],
])('options that cannot work are refused: %j', async (args, message) => {
  expect(await refusal(args)).toContain(message);
});

test('an engine that cannot start ends the fleet with the reason from its log', async () => {
  await using folder = await temporaryDirectory();
  const args = ['--port', '0', '--workers', '1', '--data-dir', folder.path, '--time-scale', '10'];
  const output = await refusal([...args, '--', '--prefill-rate', 'fast']);
  expect(output).toMatch(/worker-1: its engine ended with status 1; the runner starts it again/);
  expect(output).toMatch(/\| error: .*--prefill-rate/);
  expect(output).toContain('fleet up: the engine of worker-1 ended 3 times in a row');
});
