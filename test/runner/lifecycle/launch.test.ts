import { CloudFleet } from '../../support/cloud-fleet.ts';
import { FakeNvidiaSmi } from '../../support/fake-nvidia-smi.ts';

const timeScale = 30;

test('the launch hook is kept open while the engine starts, and completed by its first generation', async () => {
  await using fleet = await CloudFleet.start({ timeScale });
  const worker = await fleet.launch({ engineArgs: ['--startup-seconds', '60'] });
  await worker.healthWhere('the engine starts', ({ engine }) => engine.pid !== null);
  expect(worker.instance.state).toBe('Pending:Wait');
  const outcome = await fleet.cloud.hookCompleted(worker.instance, 'fleet-launch');
  expect(outcome).toMatchObject({ result: 'CONTINUE', by: 'call' });
  expect(outcome.heartbeats).toBeGreaterThan(0);
  await worker.untilLogged('lifecycle action completed');
  const order = worker.daemon.lines.filter((line) => /"engine ready"|"lifecycle action completed"/.test(line));
  expect(order[0]).toContain('"engine ready"');
  await fleet.untilState(worker, 'ready');
  expect(worker.instance.state).toBe('InService');
  expect(await worker.health()).toMatchObject({
    status: 'ok',
    runnerId: worker.instance.instanceId,
    lifecycle: {
      instanceId: worker.instance.instanceId,
      groupName: 'fleet-workers',
      targetState: 'InService',
      drainCauses: [],
    },
  });
});

test('a launch whose engine is beyond repair is abandoned, and the instance then leaves without a wait', async () => {
  await using fleet = await CloudFleet.start({ timeScale });
  const worker = await fleet.launch({ args: ['--engine-command', 'false', '--give-up-after', '2'] });
  expect(await fleet.cloud.hookCompleted(worker.instance, 'fleet-launch')).toMatchObject({ result: 'ABANDON' });
  expect(await fleet.cloud.hookCompleted(worker.instance, 'fleet-terminate')).toMatchObject({ result: 'CONTINUE' });
  expect(await fleet.viewOf(worker)).toBeUndefined();
  // The group knows already.
  expect(fleet.cloud.callsOf('SetInstanceHealth')).toEqual([]);
});

test('an engine that is beyond repair in service makes the group replace the instance, until AWS has heard of it', async () => {
  await using fleet = await CloudFleet.start({ timeScale });
  const [broken, staying] = await Promise.all([
    fleet.serving({ args: ['--give-up-after', '1'], hasBreakableEngine: true }),
    fleet.serving(),
  ]);
  fleet.cloud.failNext([{ status: 500, code: 'InternalFailure', message: 'no' }], 'SetInstanceHealth');
  await broken.breakEngine();
  await broken.healthWhere('the runner gave up', ({ status }) => status === 'drained');
  expect(broken.instance.healthStatus).toBe('Unhealthy');
  const told = fleet.cloud.callsOf('SetInstanceHealth').filter(({ status }) => status === 200);
  expect(told).toHaveLength(1);
  await fleet.untilGone(broken);
  expect(await fleet.complete('Still there', 5)).toMatchObject({ failure: undefined });
  expect(await fleet.cloud.hookCompleted(broken.instance, 'fleet-terminate')).toMatchObject({ by: 'call' });
  expect(staying.instance.healthStatus).toBe('Healthy');
});

test('a GPU that will not work again makes the group replace the instance, after what still runs on it', async () => {
  await using smi = await FakeNvidiaSmi.start();
  await using fleet = await CloudFleet.start({ timeScale });
  const [broken] = await Promise.all([fleet.serving({ hasDetachedEngine: true, env: smi.env }), fleet.serving()]);
  const streams = await fleet.openStreams(4, 60);
  await broken.healthWhere('the GPUs are known', ({ engine }) => engine.gpus !== null);
  fleet.cloud.setDown(true);
  smi.fail('Unable to determine the device handle for GPU 0000:3B:00.0: GPU is lost.  Reboot the system to recover.\n');
  await broken.untilLogged('group not told yet');
  // The engine may work on other GPUs; it is given up when somebody replaces it.
  expect((await broken.health()).status).toBe('ok');
  fleet.cloud.setDown(false);
  await fleet.untilState(broken, 'draining');
  expect(broken.instance.healthStatus).toBe('Unhealthy');
  const answers = await Promise.all(streams.map(({ ended }) => ended));
  for (const [i, { text, failure }] of answers.entries()) {
    expect({ text, failure }).toEqual({ text: await fleet.expectedText(`Story ${i}`, 60), failure: undefined });
  }
  expect(await fleet.cloud.hookCompleted(broken.instance, 'fleet-terminate')).toMatchObject({ by: 'call' });
  expect((await broken.health()).lifecycle.drainCauses).toEqual(['gpu-failure', 'scale-in']);
});
