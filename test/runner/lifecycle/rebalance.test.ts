import { CloudFleet } from '../../support/cloud-fleet.ts';

const timeScale = 30;

test('a rebalance recommendation drains a worker once another one is ready, and the group replaces it', async () => {
  await using fleet = await CloudFleet.start({ timeScale, runnerArgs: ['--drain-seconds', '600'] });
  const advised = await fleet.serving();
  const { id } = (await fleet.viewOf(advised))!;
  const stream = await fleet.openStream('Early', 200);
  fleet.cloud.recommendRebalance(advised.instance);
  await advised.untilLogged('instance notice');
  // A fleet of one would be a fleet of none.
  expect(await fleet.complete('Alone', 5)).toMatchObject({ failure: undefined });
  expect(await advised.health()).toMatchObject({ status: 'ok' });

  const other = await fleet.serving();
  await fleet.untilState(advised, 'draining');
  expect((await fleet.openStream('Late', 5)).worker).toBe((await fleet.viewOf(other))!.id);
  expect(stream.worker).toBe(id);
  const { text, failure, endedAtMs } = await stream.ended;
  expect({ text, failure }).toEqual({ text: await fleet.expectedText('Early', 200), failure: undefined });
  // It says so when it has nothing left to do, and the group terminates it.
  const outcome = await fleet.cloud.hookCompleted(advised.instance, 'fleet-terminate');
  expect(outcome).toMatchObject({ result: 'CONTINUE', by: 'call' });
  const [told] = fleet.cloud.callsOf('SetInstanceHealth');
  expect(told?.parameters['InstanceId']).toBe(advised.instance.instanceId);
  expect(told?.atMs).toBeGreaterThan(endedAtMs);
  await advised.healthWhere('the drain is over', ({ status }) => status === 'drained');
});
