import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { identifyProcess } from '../../../runtime/shared/process/process-table.ts';
import { CloudFleet } from '../../support/cloud-fleet.ts';

const timeScale = 30;

test('a machine for a stopped warm pool starts its engine once, and serves when it boots again', async () => {
  await using fleet = await CloudFleet.start({ timeScale });
  const worker = await fleet.launch({ to: 'Warmed:Stopped' });
  expect(await fleet.cloud.hookCompleted(worker.instance, 'fleet-launch')).toMatchObject({ result: 'CONTINUE' });
  const { engine } = await worker.healthWhere('it is prepared', ({ status }) => status === 'prepared');
  expect(engine).toMatchObject({ state: 'down', startupSeconds: expect.any(Number) });
  expect(worker.logged('engine launched')).toHaveLength(1);
  expect(worker.logged('runner registered')).toEqual([]);
  expect(await fleet.viewOf(worker)).toBeUndefined();
  expect(worker.instance.state).toBe('Warmed:Stopped');

  worker.daemon.signal('SIGTERM');
  expect(await worker.daemon.waitForExit()).toMatchObject({ code: 0 });
  fleet.cloud.takeFromWarmPool(worker.instance);
  worker.boot();
  await fleet.untilState(worker, 'ready');
  await fleet.cloud.stateReached(worker.instance, 'InService');
  expect(await fleet.complete('Hello', 5)).toMatchObject({ text: await fleet.expectedText('Hello', 5) });
  expect(worker.instance.outcomes.map(({ hookName, result }) => [hookName, result])).toEqual([
    ['fleet-launch', 'CONTINUE'],
    ['fleet-launch', 'CONTINUE'],
  ]);
});

test('a machine of a running warm pool keeps its engine, and serves the moment it is wanted', async () => {
  await using fleet = await CloudFleet.start({ timeScale });
  const worker = await fleet.launch({ to: 'Warmed:Running' });
  await fleet.cloud.stateReached(worker.instance, 'Warmed:Running');
  const { engine } = await worker.healthWhere('it is prepared', ({ status }) => status === 'prepared');
  expect(engine.state).toBe('ready');
  expect(await fleet.viewOf(worker)).toBeUndefined();

  fleet.cloud.takeFromWarmPool(worker.instance);
  await fleet.untilState(worker, 'ready');
  await fleet.cloud.stateReached(worker.instance, 'InService');
  expect((await worker.health()).engine.pid).toBe(engine.pid);
  expect(await fleet.complete('Hello', 5)).toMatchObject({ failure: undefined });
});

test('a command prepares the machine in the place of the engine; when it fails the launch is abandoned', async () => {
  await using fleet = await CloudFleet.start({ timeScale });
  const mark = 'mkdir -p "$MARKS" && echo prepared {model} && touch "$MARKS/weights"';
  const [good, bad] = await Promise.all([
    fleet.launch({
      to: 'Warmed:Stopped',
      args: ['--prepare-command', mark, '--model', 'qwen', '--engine', 'simulator'],
    }),
    fleet.launch({ to: 'Warmed:Stopped', args: ['--prepare-command', 'exit 3'] }),
  ]);
  expect(await fleet.cloud.hookCompleted(good.instance)).toMatchObject({
    hookName: 'fleet-launch',
    result: 'CONTINUE',
  });
  expect(existsSync(path.join(good.dataDir, 'marks/weights'))).toBe(true);
  expect(readFileSync(path.join(good.dataDir, 'logs/prepare.log'), 'utf8')).toBe('prepared qwen\n');
  expect(good.logged('engine launched')).toEqual([]);
  expect(await fleet.cloud.hookCompleted(bad.instance)).toMatchObject({ hookName: 'fleet-launch', result: 'ABANDON' });
  expect(bad.logged('preparation failed')).toMatchObject([{ detail: 'ended with status 3' }]);
});

test('a scale-in into the warm pool drains, and a machine that comes back serves again', async () => {
  await using fleet = await CloudFleet.start({ timeScale });
  const [returning] = await Promise.all([fleet.serving(), fleet.serving()]);
  const { engine } = await returning.health();
  const streams = await fleet.openStreams(4, 60);
  fleet.cloud.returnToWarmPool(returning.instance);
  const answers = await Promise.all(streams.map(({ ended }) => ended));
  for (const [i, { text, failure }] of answers.entries()) {
    expect({ text, failure }).toEqual({ text: await fleet.expectedText(`Story ${i}`, 60), failure: undefined });
  }
  await fleet.cloud.stateReached(returning.instance, 'Warmed:Stopped');
  await returning.healthWhere('the drain is over', ({ status }) => status === 'drained');
  expect(identifyProcess(engine.pid!)).toBeUndefined();
  // A pool whose machines stay up: no boot in between. The daemon ends by itself, for systemd to start a fresh one.
  fleet.cloud.takeFromWarmPool(returning.instance);
  expect(await returning.daemon.waitForExit()).toMatchObject({ code: 0 });
  returning.boot();
  await fleet.untilState(returning, 'ready');
  await fleet.cloud.stateReached(returning.instance, 'InService');
});
