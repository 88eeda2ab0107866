import { CloudFleet } from '../../support/cloud-fleet.ts';
import { until } from '../../support/poll.ts';

const timeScale = 30;

test('a worker is protected from scale-in while a request runs for longer than a drain would wait', async () => {
  await using fleet = await CloudFleet.start({ timeScale, runnerArgs: ['--drain-seconds', '20'] });
  const worker = await fleet.serving();
  await fleet.complete('Short', 5);
  const stream = await fleet.openStream('Long', 120);
  expect(worker.instance.isProtectedFromScaleIn).toBe(false);
  await until('it is protected', () => worker.instance.isProtectedFromScaleIn);
  expect(await worker.health()).toMatchObject({ lifecycle: { isProtectedFromScaleIn: true } });
  expect((await stream.ended).failure).toBeUndefined();
  await until('it is not protected any more', () => !worker.instance.isProtectedFromScaleIn);
  // Told when it changed, not with every heartbeat.
  expect(fleet.cloud.callsOf('SetInstanceProtection').map((c) => c.parameters['ProtectedFromScaleIn'])).toEqual([
    'true',
    'false',
  ]);
});

test('a protection that a killed runner left behind is taken back by the next one', async () => {
  await using fleet = await CloudFleet.start({ timeScale, runnerArgs: ['--drain-seconds', '20'] });
  const worker = await fleet.serving();
  await fleet.openStream('Endless', 10_000);
  await until('it is protected', () => worker.instance.isProtectedFromScaleIn);
  worker.powerOff();
  await worker.daemon.waitForExit();
  worker.boot();
  await until('it is not protected any more', () => !worker.instance.isProtectedFromScaleIn);
});
