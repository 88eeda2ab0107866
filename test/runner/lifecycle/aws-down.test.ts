import { identifyProcess } from '../../../runtime/shared/process/process-table.ts';
import { CloudFleet } from '../../support/cloud-fleet.ts';
import type { CloudWorker } from '../../support/cloud-worker.ts';

const timeScale = 30;

test('a drain does not wait for an AWS that refuses, which hears of it when it is back', async () => {
  await using fleet = await CloudFleet.start({ timeScale });
  const leaving = await drainedWithoutAws(fleet, 'refuse');
  fleet.cloud.setDown(false);
  const outcome = await fleet.cloud.hookCompleted(leaving.instance, 'fleet-terminate');
  expect(outcome).toMatchObject({ result: 'CONTINUE', by: 'call' });
});

test('nor for one that is silent, nor does the end of the daemon; the next one tells AWS', async () => {
  await using fleet = await CloudFleet.start({ timeScale });
  const leaving = await drainedWithoutAws(fleet, 'hang');
  leaving.daemon.signal('SIGTERM');
  expect(await leaving.daemon.waitForExit()).toMatchObject({ code: 0 });
  fleet.cloud.setDown(false);
  leaving.boot();
  const outcome = await fleet.cloud.hookCompleted(leaving.instance, 'fleet-terminate');
  expect(outcome).toMatchObject({ result: 'CONTINUE', by: 'call' });
  expect(leaving.logged('engine launched')).toEqual([]);
});

/** A worker that was scaled in, with streams on it, while AWS was away. */
async function drainedWithoutAws(fleet: CloudFleet, how: 'refuse' | 'hang'): Promise<CloudWorker> {
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
  return leaving;
}
