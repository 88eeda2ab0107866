import path from 'node:path';
import { readRunRecord } from '../../runtime/shared/process/run-lock.ts';
import { fakeSglang } from '../support/fake-sglang.ts';
import { until } from '../support/poll.ts';
import { startProgram } from '../support/process.ts';
import { RouterStandIn } from '../support/router-stand-in.ts';
import { StartedRunner } from '../support/started-runner.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const args = ['--engine', 'sglang', '--model', 'no/such-model'];
const badArguments = 'usage: launch_server.py [-h]\nlaunch_server.py: error: unrecognized arguments: --tp-sizes 2\n';
const outOfMemory = [
  '[2026-11-22 02:40:31 TP0] Scheduler hit an exception: Traceback (most recent call last):\n',
  'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 22.05 GiB\n',
  '[2026-11-22 02:40:31] SIGQUIT received. signum=None, frame=None. It usually means one child failed.\n',
];

test('a crash is explained from the log of its own launch, with advice, in health and in the log', async () => {
  await using sglang = await fakeSglang({ print: outOfMemory, next: { signal: 'SIGKILL' } });
  await using runner = await StartedRunner.start({ args, env: sglang.env });
  const { engine } = await runner.healthWhere('an end', (health) => health.engine.lastEnd !== null);
  expect(engine.lastEnd).toMatchObject({
    signal: 'SIGKILL',
    cause: {
      name: 'gpu-out-of-memory',
      isSuspected: false,
      advice: expect.stringContaining('Lower memFractionStatic'),
    },
  });
  expect(engine.givenUp).toBeNull();
  await runner.process.waitForLine(/"msg":"engine ended".*"gpu-out-of-memory"/);

  // The old crash still stands in the same file.
  sglang.play({ print: [badArguments], next: { exit: 2 } });
  await runner.healthWhere('another end', (health) => health.engine.lastEnd?.cause?.name === 'bad-arguments');
});

test('what no restart can mend is given up at once; state and retries say so, and a mended machine recovers', async () => {
  await using router = await RouterStandIn.start();
  await using sglang = await fakeSglang({ print: [badArguments], next: { exit: 2 } });
  await using runner = await StartedRunner.start({
    routerUrls: [router.url],
    args: [...args, '--time-scale', '60'],
    env: sglang.env,
  });
  const { engine } = await runner.healthWhere('it is given up', (health) => health.engine.givenUp !== null);
  expect(engine).toMatchObject({ state: 'down', givenUp: { failedStarts: 1, cause: { newMachineHelps: false } } });
  expect(engine.givenUp!.message).toMatch(
    /did not start; the last launch ended with status 2 \(bad-arguments\)\. SGLang refused/,
  );
  await runner.healthWhere('it was tried again', (health) => health.engine.restarts >= 2);
  expect(runner.logged('engine given up')).toHaveLength(1);
  const states = runner.logged('engine state changed').map(({ to }) => to);
  expect(states.slice(states.indexOf('down'))).toEqual(['down']);

  sglang.play({});
  const mended = await runner.ready();
  expect(mended.engine.givenUp).toBeNull();
  await router.waitFor('a registration', (call) => call.kind === 'register');
});

test('so many failures in a row are enough, whatever their kind', async () => {
  await using sglang = await fakeSglang({ print: outOfMemory, next: { exit: 1 } });
  await using runner = await StartedRunner.start({
    args: [...args, '--give-up-after', '3', '--time-scale', '20'],
    env: sglang.env,
  });
  const { engine } = await runner.healthWhere('it is given up', (health) => health.engine.givenUp !== null);
  expect(engine.givenUp).toMatchObject({
    failedStarts: 3,
    cause: { name: 'gpu-out-of-memory', newMachineHelps: true },
  });
});

test('an engine that hangs after its crash is ended for its silence, and the crash explains it', async () => {
  await using sglang = await fakeSglang({ print: outOfMemory, next: 'hang' });
  await using runner = await StartedRunner.start({
    args: [...args, '--startup-silence-seconds', '1'],
    env: sglang.env,
  });
  const { engine } = await runner.healthWhere('an end', (health) => health.engine.lastEnd !== null);
  expect(engine.lastEnd).toMatchObject({
    reason: expect.stringContaining('No new log output for 1 s'),
    cause: { name: 'gpu-out-of-memory' },
  });
});

test('an engine that its runner ends has no cause', async () => {
  await using runner = await StartedRunner.start();
  await runner.ready();
  await fetch(`${await runner.url()}/drain`, { method: 'POST' });
  const { engine } = await runner.healthWhere('it is drained', (health) => health.status === 'drained');
  expect(engine.lastEnd).toMatchObject({ cause: null });
});

test('the life cycle hears of each giving up, once, with the reason', async () => {
  await using sglang = await fakeSglang({ print: [badArguments], next: { exit: 2 } });
  await using folder = await temporaryDirectory();
  const flags = {
    ...{ listenHost: '127.0.0.1', port: 0, enginePort: 0, dataDir: folder.path, timeScale: 100, giveUpAfter: 2 },
    ...{ engine: 'sglang', model: 'm', python: 'python3', startupSilenceSeconds: 3_600, startupMaxSeconds: 0 },
  };
  const program = path.join(import.meta.dirname, '../support/programs/engine-watcher.ts');
  await using watcher = startProgram(program, [JSON.stringify(flags)], { env: sglang.env });
  const heard = (what: string) => watcher.lines.map((line) => JSON.parse(line)).filter((line) => line.heard === what);
  await watcher.waitForLine(/"given up"/);
  expect(heard('given up')[0].value).toMatchObject({
    failedStarts: 1,
    cause: { name: 'bad-arguments' },
    end: { code: 2 },
  });

  sglang.play({});
  await watcher.waitForLine(/"state","value":"ready"/);
  expect(heard('given up')).toHaveLength(1);
  sglang.play({ print: outOfMemory, next: { exit: 1 } });
  const served = heard('state').length;
  const [engine] = readRunRecord(path.join(folder.path, 'watcher.lock'))!.children;
  process.kill(engine!.pid, 'SIGKILL');
  await until('it went down', () => heard('state').length > served);
  await until('it is given up again', () => heard('given up').length === 2);
  expect(heard('given up')[1].value).toMatchObject({ failedStarts: 2, cause: { name: 'gpu-out-of-memory' } });
});
