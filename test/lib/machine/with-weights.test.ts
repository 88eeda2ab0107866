import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type ScriptMachine, scriptMachine } from '../../support/machine-script.ts';

const source = 's3://models/qwen';

async function machineWith(
  sync: string,
): Promise<ScriptMachine & { engine(...args: string[]): ReturnType<ScriptMachine['run']> }> {
  const machine = await scriptMachine({ aws: `if [[ $2 == sync ]]; then ${sync}; fi`, engine: 'exit 7' });
  const weights = path.join(machine.folder, 'weights/model');
  await mkdir(weights, { recursive: true });
  return {
    ...machine,
    engine: (...args) =>
      machine.run('with-weights.sh', args, {
        FLEET_WEIGHTS_SOURCE: source,
        FLEET_WEIGHTS_FOLDER: weights,
        FLEET_ENGINE_PROGRAM: path.join(machine.folder, 'bin/engine'),
      }),
  };
}

test('the engine starts when its weights are there, with its own arguments and its own end', async () => {
  await using machine = await machineWith('true');
  const { code, calls, output } = await machine.engine('-m', 'sglang.launch_server', '--model-path', 'a b');
  expect(calls.at(-2)).toBe(`aws s3 sync --no-progress ${source} ${machine.folder}/weights/model`);
  expect(calls.at(-1)).toBe('engine -m sglang.launch_server --model-path a b');
  expect([code, output]).toEqual([7, `Fetching weights from ${source}\n`]);
});

test('an engine that starts again finds its weights without asking S3', async () => {
  await using machine = await machineWith('true');
  await machine.engine('-m', 'x');
  expect((await machine.engine('-m', 'x')).calls).toEqual(['engine -m x']);
});

test('weights that came only in part keep the engine from starting, and are fetched again', async () => {
  await using machine = await machineWith('exit 1');
  const { code, calls } = await machine.engine('-m', 'x');
  expect(code).toBe(1);
  expect(calls.some((call) => call.startsWith('engine'))).toBe(false);
  expect((await machine.engine('-m', 'x')).calls.some((call) => call.startsWith('aws s3 sync'))).toBe(true);
});

test.each([
  ['stop', '-t', '30', 'x'],
  ['rm', '--force', 'x'],
])('a container is ended without weights: %s', async (...args) => {
  await using machine = await machineWith('exit 1');
  const { calls } = await machine.engine(...args);
  expect(calls).toEqual([`engine ${args.join(' ')}`]);
});
