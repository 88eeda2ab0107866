import path from 'node:path';
import { judgeGpus, noHistory, parseGpus } from '../../runtime/runner/engine/gpu/judge-gpus.ts';
import type { SmiAnswer } from '../../runtime/runner/engine/gpu/nvidia-smi.ts';
import { FakeNvidiaSmi, twoGpus } from '../support/fake-nvidia-smi.ts';
import { until } from '../support/poll.ts';
import { startProgram } from '../support/process.ts';
import { StartedRunner } from '../support/started-runner.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const at = '2026-11-27T00:00:00.000Z';
const text = (rows: string): SmiAnswer => ({ kind: 'text', text: rows });
const failed = (reason: string): SmiAnswer => ({ kind: 'failed', reason });

/** What a series of readings ends in. */
function judge(...answers: SmiAnswer[]) {
  let history = noHistory;
  let status = null;
  for (const answer of answers) ({ status, history } = judgeGpus(answer, history, at));
  return status;
}

describe('a reading', () => {
  test('gives name, memory, driver and ECC errors, where the GPU has them', () => {
    const rows = '0, NVIDIA L4, 23034, 595.71.05, 0\n1, NVIDIA GB10, [N/A], 595.71.05, [N/A]\n';
    expect(parseGpus(rows)).toEqual({
      driverVersion: '595.71.05',
      gpus: [
        { index: 0, name: 'NVIDIA L4', memoryMiB: 23_034, uncorrectedEccErrors: 0 },
        { index: 1, name: 'NVIDIA GB10', memoryMiB: null, uncorrectedEccErrors: null },
      ],
    });
    expect(judge(text(rows))).toMatchObject({ failure: null, at });
  });

  test('a machine without nvidia-smi has no status, and no failure', () => {
    expect(judge({ kind: 'absent' })).toBeNull();
  });

  test.each([
    text('0, NVIDIA L4, [GPU requires reset], 595.71.05, [GPU requires reset]\n'),
    text('0, NVIDIA L4, 23034, 595.71.05, [Unknown Error]\n'),
    text('0, ERR!, 23034, 595.71.05, 0\n'),
    failed('nvidia-smi: Unable to determine the device handle for GPU 0000:3B:00.0: GPU is lost.  Reboot the system'),
  ])('%j is fatal once it is confirmed, also as the first answer', (bad) => {
    expect(judge(bad)?.failure).toBeNull();
    expect(judge(bad, bad)?.failure).toMatchObject({ isFatal: true });
    expect(judge(bad, text(twoGpus), bad)?.failure).toBeNull();
    expect(judge(bad, bad, text(twoGpus))?.failure).toBeNull();
  });

  test('a GPU that is not listed any more is fatal', () => {
    const one = text('0, NVIDIA L4, 23034, 595.71.05, 0\n');
    expect(judge(text(twoGpus), one, one)?.failure).toMatchObject({
      isFatal: true,
      reason: expect.stringContaining('1 of 2'),
    });
    expect(judge(one, one, one)?.failure).toBeNull();
  });

  test('an nvidia-smi that stops working is fatal, one that never worked is not', () => {
    const bad = failed("nvidia-smi: NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.");
    expect(judge(text(twoGpus), bad, bad)?.failure).toMatchObject({ isFatal: true });
    expect(judge(bad, bad)?.failure).toMatchObject({ isFatal: false });
    expect(judge(text(''), text(''))?.failure).toMatchObject({ isFatal: false, reason: 'nvidia-smi lists no GPU' });
  });
});

test('health shows the GPUs, and that one of them fails', async () => {
  await using smi = await FakeNvidiaSmi.start();
  await using runner = await StartedRunner.start({ env: smi.env, args: ['--time-scale', '100'] });
  const health = await runner.healthWhere('the GPUs are known', ({ engine }) => engine.gpus !== null);
  expect(health.engine.gpus).toMatchObject({ driverVersion: '595.71.05', failure: null });
  expect(health.engine.gpus?.gpus.map(({ name }) => name)).toEqual(['NVIDIA L4', 'NVIDIA L4']);

  smi.setGpus(twoGpus.replace('23034', '[GPU requires reset]'));
  const { engine } = await runner.healthWhere('a failure', (it) => it.engine.gpus?.failure != null);
  expect(engine.gpus?.failure).toMatchObject({ isFatal: true, reason: expect.stringContaining('requires reset') });
  expect(runner.logged('gpu failure')).toHaveLength(1);
});

test('the life cycle hears of a dead GPU once', async () => {
  await using smi = await FakeNvidiaSmi.start();
  await using folder = await temporaryDirectory();
  const flags = {
    ...{ listenHost: '127.0.0.1', port: 0, enginePort: 0, dataDir: folder.path, timeScale: 1_000, giveUpAfter: 5 },
    ...{ engine: 'command', engineCommand: 'sleep 1000 #', startupSilenceSeconds: 86_400, startupMaxSeconds: 0 },
  };
  const program = path.join(import.meta.dirname, '../support/programs/engine-watcher.ts');
  await using watcher = startProgram(program, [JSON.stringify(flags)], { env: smi.env });
  await until('a good reading', () => smi.asked('gpus') > 1);
  smi.fail('Unable to determine the device handle for GPU 0000:3B:00.0: GPU is lost.  Reboot the system to recover.\n');
  await watcher.waitForLine(/"gpu failure".*GPU is lost.*"isFatal":true/);
  const asked = smi.asked('gpus');
  await until('it was looked at again', () => smi.asked('gpus') >= asked + 2);
  expect(watcher.lines.filter((line) => line.includes('gpu failure'))).toHaveLength(1);
});

test('a simulated engine asks for no GPU', async () => {
  await using smi = await FakeNvidiaSmi.start();
  await using runner = await StartedRunner.start({
    env: smi.env,
    args: ['--engine', 'simulator', '--time-scale', '100'],
  });
  const { engine } = await runner.ready();
  expect(engine.gpus).toBeNull();
  expect(smi.asked('gpus')).toBe(0);
});

test('an engine is not launched again before the GPU memory of the dead one is free', async () => {
  await using smi = await FakeNvidiaSmi.start();
  await using runner = await StartedRunner.start({ env: smi.env, engineArgs: ['--child'] });
  const { engine } = await runner.ready();
  const child = Number(/engine child (\d+)/.exec(runner.engineLog)![1]);
  // Somebody else's memory is not waited for.
  smi.setUsers([process.pid, child]);
  process.kill(engine.pid!, 'SIGKILL');
  await runner.healthWhere('the end is known', (health) => health.engine.state === 'down');
  await until('it was looked at several times', () => smi.asked('apps') >= 3);
  expect(runner.logged('engine launched')).toHaveLength(1);

  smi.setUsers([process.pid]);
  const { engine: next } = await runner.healthWhere('it came back', (health) => health.engine.state === 'ready');
  expect(next.restarts).toBe(1);
});
