import { identifyProcess } from '../../runtime/shared/process/process-table.ts';
import { until } from '../support/poll.ts';
import { RouterStandIn } from '../support/router-stand-in.ts';
import { StartedRunner } from '../support/started-runner.ts';

const isAlive = (pid: number) => identifyProcess(pid) !== undefined;

function enginesChild(runner: StartedRunner): number {
  return Number(runner.engineLog.match(/engine child (\d+)/)![1]);
}

test('an engine that is killed is reported down, comes back by itself and is reported ready', async () => {
  await using router = await RouterStandIn.start();
  await using runner = await StartedRunner.start({ routerUrls: [router.url] });
  const { engine } = await runner.ready();
  await router.waitFor('a registration', (call) => call.kind === 'register');

  process.kill(engine.pid!, 'SIGKILL');
  await router.waitFor('the engine down', (call) => call.body.engineState === 'down');
  const since = router.calls.findIndex((call) => call.body.engineState === 'down');
  await router.waitFor('the engine ready again', (call) => call.body.engineState === 'ready', since);

  const after = await runner.ready();
  expect(after.engine).toMatchObject({ restarts: 1, lastEnd: { code: null, signal: 'SIGKILL' } });
  expect(after.engine.pid).not.toBe(engine.pid);
  // Its address stays, so nobody has to register again.
  expect(router.of('register')).toHaveLength(1);
});

test('a server that answers is not ready before it generates', async () => {
  await using router = await RouterStandIn.start();
  await using runner = await StartedRunner.start({ routerUrls: [router.url], engineArgs: ['--refuse', '4'] });
  await router.waitFor('a registration', (call) => call.kind === 'register');
  expect(runner.engineLog.match(/generation refused/g)).toHaveLength(4);
  expect((await runner.health()).engine).toMatchObject({ state: 'ready', restarts: 0 });
});

test('an engine that stays silent without ever generating is given up and started anew', async () => {
  await using runner = await StartedRunner.start({
    args: ['--startup-silence-seconds', '1', '--time-scale', '2'],
    engineArgs: ['--refuse', '1000000', '--silent'],
  });
  const { engine } = await runner.healthWhere('the engine was given up', (health) => health.engine.restarts > 0);
  expect(engine.lastEnd?.reason).toMatch(/No new log output for 0.5 s .* 503/);
});

test('what an engine started is gone before the next one is launched', async () => {
  await using runner = await StartedRunner.start({ engineArgs: ['--child'] });
  const { engine } = await runner.ready();
  const child = enginesChild(runner);
  process.kill(engine.pid!, 'SIGKILL');
  await runner.healthWhere('the engine was launched again', (health) => health.engine.restarts === 1);
  expect(isAlive(child)).toBe(false);
});

test('a program that cannot be started is reported with its reason and tried again', async () => {
  await using runner = await StartedRunner.start({
    args: ['--engine', 'sglang', '--model', 'm', '--python', '/no/python'],
  });
  const { engine } = await runner.healthWhere('a restart', (health) => health.engine.restarts > 0);
  expect(engine.lastEnd?.reason).toContain('/no/python');
});

test('the secret of the fleet does not reach the engine', async () => {
  await using runner = await StartedRunner.start({
    args: ['--engine-command', "sh -c 'echo secret=$FLEET_INTERNAL_SECRET; sleep 60' -- {port}"],
    env: { FLEET_INTERNAL_SECRET: 'open-sesame' },
  });
  await runner.process.waitForLine(/"msg":"engine launched"/);
  await until('the engine wrote', () => runner.engineLog.includes('secret='));
  expect(runner.engineLog.trim()).toBe('secret=');
});

test('no engine process outlives a runner that is told to end, however it was started', async () => {
  await using runner = await StartedRunner.start({ engineArgs: ['--child'] });
  const { engine } = await runner.ready();
  const child = enginesChild(runner);
  runner.process.signal('SIGTERM');
  expect(await runner.process.waitForExit()).toEqual({ code: 0, signal: null });
  expect([engine.pid!, child].filter(isAlive)).toEqual([]);
});

test('the engine of a runner that was killed is taken over by the next runner of the folder, as its own', async () => {
  await using first = await StartedRunner.start({ engineArgs: ['--child'] });
  const { engine, engineUrl } = await first.ready();
  const child = enginesChild(first);
  process.kill(first.process.pid, 'SIGKILL');
  await first.process.waitForExit();
  expect(isAlive(engine.pid!)).toBe(true);

  await using second = await StartedRunner.start({ dataDir: first.dataDir, engineArgs: ['--child'] });
  const health = await second.ready();
  expect([health.engine.pid, health.engineUrl]).toEqual([engine.pid, engineUrl]);
  expect(second.logged('engine launched')).toEqual([]);
  // It is watched like one that this runner launched, and replaced like one.
  process.kill(engine.pid!, 'SIGKILL');
  await second.healthWhere('it came back', (it) => it.engine.restarts === 1 && it.engine.state === 'ready');
  expect(isAlive(child)).toBe(false);
  second.process.signal('SIGTERM');
  expect(await second.process.waitForExit()).toMatchObject({ code: 0 });
});

test('a runner that was told to end takes an engine with it that it had taken over', async () => {
  await using first = await StartedRunner.start();
  const { engine } = await first.ready();
  process.kill(first.process.pid, 'SIGKILL');
  await first.process.waitForExit();
  await using second = await StartedRunner.start({ dataDir: first.dataDir });
  await second.ready();
  second.process.signal('SIGTERM');
  expect(await second.process.waitForExit()).toMatchObject({ code: 0 });
  expect(isAlive(engine.pid!)).toBe(false);
});

test('the engine of a runner that was killed is ended by one that wants another engine', async () => {
  await using first = await StartedRunner.start({ engineArgs: ['--child'] });
  const { engine } = await first.ready();
  const child = enginesChild(first);
  await first.killAlone();
  expect(isAlive(engine.pid!)).toBe(true);

  await using second = await StartedRunner.start({ dataDir: first.dataDir });
  await second.ready();
  expect([engine.pid!, child].filter(isAlive)).toEqual([]);
  expect(second.logged('ending the engine of an earlier run')).toMatchObject([{ pid: engine.pid }]);
});

test('two runners cannot share a data folder', async () => {
  await using first = await StartedRunner.start();
  await first.ready();
  await using second = await StartedRunner.start({ dataDir: first.dataDir });
  expect(await second.process.waitForExit()).toMatchObject({ code: 1 });
  expect(second.process.output).toContain(`Another runner (process ${first.process.pid}, since`);
  expect((await first.health()).engine.state).toBe('ready');
});
