import { identifyProcess } from '../../../runtime/shared/process/process-table.ts';
import { CloudFleet } from '../../support/cloud-fleet.ts';

test('a scale-in waits for the last stream, keeps the action open meanwhile, and completes it at once', async () => {
  const timeScale = 30;
  // Without heartbeats the action would time out after four seconds of real time, in the middle of the streams.
  await using fleet = await CloudFleet.start({ timeScale, terminateTimeoutSeconds: 120, runnerArgs });
  const [leaving, staying] = await Promise.all([fleet.serving(), fleet.serving()]);
  const { engine } = await leaving.health();
  const ids = { leaving: (await fleet.viewOf(leaving))!.id, staying: (await fleet.viewOf(staying))!.id };
  const streams = await fleet.openStreams(6, 240);
  const whole = ['Whole', 'Entire'].map((prompt) => fleet.complete(prompt, 60));
  expect(new Set(streams.map(({ worker }) => worker))).toEqual(new Set([ids.leaving, ids.staying]));

  fleet.cloud.terminate(leaving.instance);
  await fleet.untilState(leaving, 'draining');
  const late = await Promise.all([fleet.openStream('Late', 10), fleet.openStream('Later', 10)]);
  expect(late.map(({ worker }) => worker)).toEqual([ids.staying, ids.staying]);

  const answers = await Promise.all(streams.map(({ ended }) => ended));
  for (const [i, { text, failure, finish }] of answers.entries()) {
    expect({ text, failure, finish }).toEqual({
      text: await fleet.expectedText(`Story ${i}`, 240),
      failure: undefined,
      finish: 'length',
    });
  }
  expect(await Promise.all(whole)).toMatchObject([
    { text: await fleet.expectedText('Whole', 60) },
    { text: await fleet.expectedText('Entire', 60) },
  ]);
  expect(await Promise.all(late.map(async ({ ended }) => (await ended).failure))).toEqual([undefined, undefined]);

  const lastEndMs = Math.max(...answers.filter((_, i) => streams[i]!.worker === ids.leaving).map((a) => a.endedAtMs));
  const outcome = await fleet.cloud.hookCompleted(leaving.instance, 'fleet-terminate');
  expect(outcome).toMatchObject({ result: 'CONTINUE', by: 'call' });
  expect(outcome.heartbeats).toBeGreaterThan(2);
  expect(outcome.atMs).toBeGreaterThan(lastEndMs);
  expect(outcome.atMs - lastEndMs).toBeLessThan(2_000);

  await leaving.healthWhere('the drain is over', ({ status }) => status === 'drained');
  expect(identifyProcess(engine.pid!)).toBeUndefined();
  await fleet.untilGone(leaving);
  expect(staying.instance.outcomes.map(({ hookName }) => hookName)).toEqual(['fleet-launch']);
});

const runnerArgs = ['--hook-timeout-seconds', '60', '--drain-seconds', '600'];
