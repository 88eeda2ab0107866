import { readFileSync } from 'node:fs';
import path from 'node:path';
import { identifyProcess } from '../../runtime/shared/process/process-table.ts';
import { FakeDocker } from '../support/fake-docker.ts';
import { fakeSglang, lastCall } from '../support/fake-sglang.ts';
import { until } from '../support/poll.ts';
import { StartedRunner } from '../support/started-runner.ts';

const isAlive = (pid: number) => identifyProcess(pid) !== undefined;
const model = ['--model', 'Qwen/Qwen3-0.6B'];
const image = [...model, '--engine', 'container', '--engine-image', 'lmsysorg/sglang:v0.5.18'];

describe('launches', () => {
  test('as a module of Python, with settings, raw arguments and the environment of a drain', async () => {
    await using sglang = await fakeSglang();
    await using runner = await StartedRunner.start({
      args: ['--engine', 'sglang', ...model, '--engine-setting', 'tensorParallelSize=2'],
      engineArgs: ['--brand-new-flag', 'x'],
      env: { ...sglang.env, SGL_FORCE_SHUTDOWN: '1', FLEET_INTERNAL_SECRET: 'geheim' },
    });
    await runner.ready();
    const { args, environment } = lastCall(runner.engineLog)!;
    expect(args.slice(0, 4)).toEqual(['-m', 'sglang.launch_server', '--model-path', 'Qwen/Qwen3-0.6B']);
    expect(args.join(' ')).toMatch(/ --enable-metrics --enable-cache-report --tp-size 2 --brand-new-flag x$/);
    expect(environment).toMatchObject({
      ...{ SGL_FORCE_SHUTDOWN: 'false', SGLANG_ENABLE_REQUEST_HEADER_OVERRIDES: '1', PYTHONUNBUFFERED: '1' },
    });
    expect(environment).not.toHaveProperty('FLEET_INTERNAL_SECRET');
  });

  test('as sglang serve', async () => {
    await using sglang = await fakeSglang();
    await using runner = await StartedRunner.start({
      args: ['--engine', 'sglang-serve', ...model],
      env: { ...sglang.env, FLEET_ENGINE_SETTINGS: '{"tp":4,"quantization":"fp8"}' },
    });
    await runner.ready();
    const { args } = lastCall(runner.engineLog)!;
    expect(args[0]).toBe('serve');
    expect(args.join(' ')).toContain('--tp-size 4 --quantization fp8');
  });

  test('contradictions end the runner before anything is launched, all of them told', async () => {
    await using sglang = await fakeSglang();
    await using runner = await StartedRunner.start({
      args: ['--engine', 'sglang', ...model, '--engine-setting', 'tensorParallelSize=2'],
      engineArgs: ['--tp', '4', '--port', '1'],
      env: sglang.env,
    });
    expect(await runner.process.waitForExit()).toMatchObject({ code: 1 });
    expect(runner.process.output).toContain('tensorParallelSize) and --tp-size is 4 in the engine arguments (--tp)');
    expect(runner.process.output).toContain('Use --engine-port instead');
    expect(runner.logged('engine launched')).toEqual([]);
  });
});

describe('a container', () => {
  test('serves, comes back under the same name, and ends with its runner', async () => {
    await using docker = await FakeDocker.start();
    await using runner = await StartedRunner.start({ args: image, env: { ...docker.env, HF_TOKEN: 'hf_geheim' } });
    const { engine } = await runner.ready();
    const [first] = docker.containers;
    const run = docker.calls.find(([verb]) => verb === 'run')!;
    expect(run.join(' ')).toMatch(/--init --rm --gpus all --network host --name fleet-engine-\w+ .*--env HF_TOKEN/);
    expect(run.join(' ')).not.toContain('geheim');
    expect(lastCall(runner.engineLog)!.environment).toMatchObject({
      HF_TOKEN: 'hf_geheim',
      SGL_FORCE_SHUTDOWN: 'false',
    });

    process.kill(first!, 'SIGKILL');
    const { engine: next } = await runner.healthWhere(
      'it came back',
      (it) => it.engine.restarts === 1 && it.engine.state === 'ready',
    );
    expect(next.pid).not.toBe(engine.pid);
    expect(docker.containers).toHaveLength(1);

    runner.process.signal('SIGTERM');
    expect(await runner.process.waitForExit()).toEqual({ code: 0, signal: null });
    expect(docker.containers).toEqual([]);
    expect(docker.calls.some(([verb]) => verb === 'stop')).toBe(true);
    expect(runner.engineLog).toContain('SIGTERM received');
  });

  test('whose client was killed does not stay beside its successor', async () => {
    await using docker = await FakeDocker.start();
    await using runner = await StartedRunner.start({ args: image, env: docker.env });
    const { engine } = await runner.ready();
    const [first] = docker.containers;
    process.kill(engine.pid!, 'SIGKILL');
    await runner.healthWhere('it came back', (it) => it.engine.restarts === 1 && it.engine.state === 'ready');
    expect(isAlive(first!)).toBe(false);
    expect(docker.containers).toHaveLength(1);
  });

  test('that a killed runner left behind is taken over by the next runner of the folder', async () => {
    await using docker = await FakeDocker.start();
    await using first = await StartedRunner.start({ args: image, env: docker.env });
    await first.ready();
    process.kill(first.process.pid, 'SIGKILL');
    await first.process.waitForExit();

    await using second = await StartedRunner.start({ args: image, env: docker.env, dataDir: first.dataDir });
    await second.ready();
    expect(docker.containers).toHaveLength(1);
    second.process.signal('SIGTERM');
    expect(await second.process.waitForExit()).toMatchObject({ code: 0 });
    expect(docker.containers.filter(isAlive)).toEqual([]);
  });

  test('that a killed runner left behind is removed by one that wants another', async () => {
    await using docker = await FakeDocker.start();
    await using first = await StartedRunner.start({ args: image, env: docker.env });
    await first.ready();
    const [left] = docker.containers;
    process.kill(first.process.pid, 'SIGKILL');
    await first.process.waitForExit();
    expect(isAlive(left!)).toBe(true);

    const other = [...model, '--engine', 'container', '--engine-image', 'lmsysorg/sglang:v0.5.23'];
    await using second = await StartedRunner.start({ args: other, env: docker.env, dataDir: first.dataDir });
    await second.ready();
    expect(isAlive(left!)).toBe(false);
  });

  test('that a killed runner and its client left behind is removed by the next runner of the folder', async () => {
    await using docker = await FakeDocker.start();
    await using first = await StartedRunner.start({ args: image, env: docker.env });
    const { engine } = await first.ready();
    const [left] = docker.containers;
    process.kill(first.process.pid, 'SIGKILL');
    await first.process.waitForExit();
    process.kill(engine.pid!, 'SIGKILL');
    await until('the client is dead', () => !isAlive(engine.pid!));
    expect(isAlive(left!)).toBe(true);

    await using second = await StartedRunner.start({ args: image, env: docker.env, dataDir: first.dataDir });
    // At its first try: the name is free.
    expect((await second.ready()).engine.restarts).toBe(0);
    expect(isAlive(left!)).toBe(false);
  });
});

describe('a start', () => {
  test('is told by its phases: in health while it lasts, in one log line when it is over', async () => {
    const log = readFileSync(path.join(import.meta.dirname, '../fixtures/sglang-real-0.5.23/server.log'), 'utf8');
    const lines = log.split('\n').map((line) => `${line}\n`);
    const untilWeights = lines.slice(0, lines.findIndex((line) => line.includes('Load weight begin')) + 1);
    await using sglang = await fakeSglang({ print: untilWeights, next: 'hang' });
    const args = ['--engine', 'sglang', ...model];
    await using runner = await StartedRunner.start({ args, env: sglang.env });
    const { engine } = await runner.healthWhere(
      'the weights load',
      (it) => it.engine.phases.at(-1)?.name === 'load-weight',
    );
    expect(engine.phases.map(({ name }) => name)).toEqual(['launch', 'distributed-init', 'other', 'load-weight']);
    const since = engine.phases.at(-1)!.seconds;
    await runner.healthWhere('its time grows', (it) => it.engine.phases.at(-1)!.seconds > since);

    const untilWarmUp = lines.slice(0, lines.findIndex((line) => line.includes('Uvicorn running')) + 1);
    sglang.play({ print: untilWarmUp });
    process.kill(engine.pid!, 'SIGKILL');
    const ready = await runner.ready();
    expect(ready.engine.phases.map(({ name }) => name)).toEqual([
      ...['launch', 'distributed-init', 'other', 'load-weight', 'kv-cache', 'http-server', 'warm-up'],
    ]);
    const whole = ready.engine.phases.reduce((sum, { seconds }) => sum + seconds, 0);
    expect(whole).toBeCloseTo(ready.engine.startupSeconds!, 1);
    const [line] = runner.logged('engine ready');
    expect(Object.keys(line!['phases'] as object)).toEqual(ready.engine.phases.map(({ name }) => name));
  });

  test('lasts as long as a progress bar moves', async () => {
    await using runner = await StartedRunner.start({
      args: ['--startup-silence-seconds', '3', '--time-scale', '2'],
      engineArgs: ['--refuse', '12', '--silent', '--bar'],
    });
    const { engine } = await runner.ready();
    expect(engine).toMatchObject({ restarts: 0, lastEnd: null });
    // Longer than the silence that ends a start.
    expect(engine.startupSeconds).toBeGreaterThan(1.5);
    expect(runner.engineLog).toMatch(/\r/);
  });

  test('ends at its maximum, however much is logged', async () => {
    await using runner = await StartedRunner.start({
      args: ['--startup-max-seconds', '1'],
      engineArgs: ['--refuse', '1000000'],
    });
    const { engine } = await runner.healthWhere('the engine was ended', (it) => it.engine.restarts > 0);
    expect(engine.lastEnd?.reason).toMatch(/No generation within 1 s of the launch/);
    expect(engine.lastEnd?.cause).toMatchObject({ name: 'startup-maximum', isSuspected: false });
  });
});

test('a child in a session of its own is gone before the next launch', async () => {
  await using runner = await StartedRunner.start({ engineArgs: ['--child', '--own-session'] });
  const { engine } = await runner.ready();
  const child = Number(/engine child (\d+)/.exec(runner.engineLog)![1]);
  process.kill(engine.pid!, 'SIGKILL');
  await until('the engine was launched again', () => runner.logged('engine launched').length === 2);
  expect(isAlive(child)).toBe(false);
});
