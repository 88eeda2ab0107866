import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { identifyProcess } from '../../../runtime/shared/process/process-table.ts';
import { CloudFleet } from '../../support/cloud-fleet.ts';

const timeScale = 30;

test('a runner that is killed in the middle of a drain goes on with it, and its engine never notices', async () => {
  await using fleet = await CloudFleet.start({ timeScale, runnerArgs: ['--drain-seconds', '600'] });
  const [leaving] = await Promise.all([fleet.serving({ hasDetachedEngine: true }), fleet.serving()]);
  const { id } = (await fleet.viewOf(leaving))!;
  const { engine } = await leaving.health();
  const streams = await fleet.openStreams(4, 250);
  const own = streams.filter(({ worker }) => worker === id);
  expect(own.length).toBeGreaterThan(0);
  fleet.cloud.terminate(leaving.instance);
  await fleet.untilState(leaving, 'draining');

  leaving.daemon.signal('SIGKILL');
  await leaving.daemon.waitForExit();
  leaving.boot();
  expect(await leaving.untilLogged('drain resumed')).toMatchObject({ causes: ['scale-in'] });
  expect(await leaving.untilLogged('engine of an earlier run taken over')).toMatchObject({ pid: engine.pid });

  const answers = await Promise.all(streams.map(({ ended }) => ended));
  for (const [i, { text, failure }] of answers.entries()) {
    expect({ text, failure }).toEqual({ text: await fleet.expectedText(`Story ${i}`, 250), failure: undefined });
  }
  // Nothing had to be continued elsewhere.
  expect(fleet.routerOutput).not.toContain('attempt failed');
  const lastEndMs = Math.max(...answers.filter((_, i) => own.includes(streams[i]!)).map((a) => a.endedAtMs));
  const outcome = await fleet.cloud.hookCompleted(leaving.instance, 'fleet-terminate');
  expect(outcome).toMatchObject({ result: 'CONTINUE', by: 'call' });
  expect(outcome.atMs).toBeGreaterThan(lastEndMs);
  expect(outcome.atMs - lastEndMs).toBeLessThan(2_000);
  await leaving.healthWhere('the drain is over', ({ status }) => status === 'drained');
  expect(identifyProcess(engine.pid!)).toBeUndefined();
  await fleet.untilGone(leaving);
});

test('an engine that goes down with its runner loses no stream either', async () => {
  await using fleet = await CloudFleet.start({ timeScale });
  const [leaving] = await Promise.all([fleet.serving(), fleet.serving()]);
  const streams = await fleet.openStreams(4, 120);
  fleet.cloud.terminate(leaving.instance);
  await fleet.untilState(leaving, 'draining');
  leaving.powerOff();
  await leaving.daemon.waitForExit();
  leaving.boot();
  await leaving.untilLogged('drain resumed');
  const answers = await Promise.all(streams.map(({ ended }) => ended));
  for (const [i, { text, failure }] of answers.entries()) {
    expect({ text, failure }).toEqual({ text: await fleet.expectedText(`Story ${i}`, 120), failure: undefined });
  }
  expect(await fleet.cloud.hookCompleted(leaving.instance, 'fleet-terminate')).toMatchObject({ by: 'call' });
  // No engine is launched for a machine that goes.
  expect(leaving.logged('engine launched')).toEqual([]);
  await fleet.untilGone(leaving);
});

test('a runner that is killed while it serves takes its engine over, with the streams that run on it', async () => {
  await using fleet = await CloudFleet.start({ timeScale });
  const worker = await fleet.serving({ hasDetachedEngine: true });
  const stream = await fleet.openStream('Alone', 100);
  const { engine } = await worker.health();
  worker.daemon.signal('SIGKILL');
  await worker.daemon.waitForExit();
  worker.boot();
  const { engine: after } = await worker.healthWhere('it serves', (health) => health.engine.state === 'ready');
  expect(after.pid).toBe(engine.pid);
  await worker.untilLogged('runner registered');
  const { text, failure } = await stream.ended;
  expect({ text, failure }).toEqual({ text: await fleet.expectedText('Alone', 100), failure: undefined });
  expect(await fleet.complete('Again', 5)).toMatchObject({ failure: undefined });
  expect(worker.instance.outcomes.map(({ hookName }) => hookName)).toEqual(['fleet-launch']);
});

test('SIGTERM on a machine that stays completes no terminate hook, and the next process serves', async () => {
  await using fleet = await CloudFleet.start({ timeScale });
  const worker = await fleet.serving();
  worker.daemon.signal('SIGTERM');
  expect(await worker.daemon.waitForExit()).toEqual({ code: 0, signal: null });
  const file = path.join(worker.dataDir, 'lifecycle.json');
  expect(JSON.parse(readFileSync(file, 'utf8'))).not.toHaveProperty('departure');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const calls = fleet.cloud.callsOf('CompleteLifecycleAction').map(({ parameters }) => parameters['LifecycleHookName']);
  expect(new Set(calls)).toEqual(new Set(['fleet-launch']));
  worker.boot();
  await fleet.untilState(worker, 'ready');
  expect(worker.instance.state).toBe('InService');
});
