import { identifyProcess } from '../../../runtime/shared/process/process-table.ts';
import { CloudFleet } from '../../support/cloud-fleet.ts';

const timeScale = 30;

test.each(['refuse', 'hang'] as const)('a drain does not wait for an AWS that is away (%s)', async (how) => {
  await using fleet = await CloudFleet.start({ timeScale });
  const [leaving] = await Promise.all([fleet.serving(), fleet.serving()]);
  const { engine } = await leaving.health();
  const streams = await fleet.openStreams(4, 60);
  fleet.cloud.setDown(true, how);
  fleet.cloud.terminate(leaving.instance);
  const answers = await Promise.all(streams.map(({ ended }) => ended));
  for (const [i, { text, failure }] of answers.entries()) {
    expect({ text, failure }).toEqual({ text: await fleet.expectedText(`Story ${i}`, 60), failure: undefined });
  }
  await leaving.healthWhere('the drain is over', ({ status }) => status === 'drained');
  expect(identifyProcess(engine.pid!)).toBeUndefined();
  await fleet.untilGone(leaving);
  expect(leaving.instance.outcomes.map(({ hookName }) => hookName)).toEqual(['fleet-launch']);

  fleet.cloud.setDown(false);
  const outcome = await fleet.cloud.hookCompleted(leaving.instance, 'fleet-terminate');
  expect(outcome).toMatchObject({ result: 'CONTINUE', by: 'call' });
});
