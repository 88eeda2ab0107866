import { setTimeout as delay } from 'node:timers/promises';
import { CloudFleet } from '../../support/cloud-fleet.ts';
import type { CloudWorker } from '../../support/cloud-worker.ts';
import type { LiveStream } from '../../support/live-stream.ts';
import { SessionClient } from '../../support/session-client.ts';

const timeScale = 30;
const noticeMs = 120_000 / timeScale;

test('a stream of 300 s outlives the machine that Spot takes back after 120 s, and so does everything else', async () => {
  await using fleet = await CloudFleet.start({ timeScale });
  const [lost, staying] = await Promise.all([fleet.serving(), fleet.serving()]);
  const ids = { lost: (await fleet.viewOf(lost))!.id, staying: (await fleet.viewOf(staying))!.id };
  const long = await streamsOn(fleet, ids.lost, 'Long', 2, 300);
  const short = await streamsOn(fleet, ids.lost, 'Short', 1, 60);
  // Answered as a whole: nothing of it has reached the client when its engine goes.
  const whole = fleet.complete('Whole', 150);

  const goneAtMs = performance.now() + noticeMs;
  fleet.cloud.interruptSpot(lost.instance, noticeMs);
  await fleet.untilState(lost, 'draining');
  const late = await fleet.openStream('Late', 30);
  expect(late.worker).toBe(ids.staying);
  await powerOffAt(lost, goneAtMs);
  expect(long.some(({ text }) => text === '')).toBe(false);

  const answers = await Promise.all([...long, ...short, late].map(({ ended }) => ended));
  const expected = [
    ...['Long 0', 'Long 1'].map((prompt) => fleet.expectedText(prompt, 300)),
    fleet.expectedText('Short 0', 60),
    fleet.expectedText('Late', 30),
  ];
  expect(answers).toEqual(
    (await Promise.all(expected)).map((text) =>
      expect.objectContaining({ text, failure: undefined, finish: 'length', status: 200 }),
    ),
  );
  expect(await whole).toMatchObject({ text: await fleet.expectedText('Whole', 150), failure: undefined });
  // What could finish did so on the machine, which had left the routers' lists when it went.
  expect(answers[2]!.endedAtMs).toBeLessThan(goneAtMs);
  expect(lost.logged('drain deadline passed, handing over')).toHaveLength(1);
  expect(lost.logged('runner deregistered')).toHaveLength(1);
  // No hook waits for a machine that Spot takes back.
  expect(
    fleet.cloud.callsOf('CompleteLifecycleAction').map(({ parameters }) => parameters['LifecycleHookName']),
  ).toEqual(expect.not.arrayContaining(['fleet-terminate']));
});

test('a notice in the middle of a scale-in shortens its drain, and sessions can go on elsewhere', async () => {
  await using fleet = await CloudFleet.start({ timeScale, runnerArgs: ['--drain-seconds', '3000'] });
  const [lost, staying] = await Promise.all([fleet.serving(), fleet.serving()]);
  const { id } = (await fleet.viewOf(lost))!;
  const [stream] = await streamsOn(fleet, id, 'Long', 1, 200);
  const client = new SessionClient(fleet.url);
  const session = await sessionOn(client, lost);
  expect(await client.ask(session.id, 'Remember me.')).toMatchObject({ status: 200 });
  fleet.cloud.terminate(lost.instance);
  await fleet.untilState(lost, 'draining');
  const goneAtMs = performance.now() + 2_000;
  fleet.cloud.interruptSpot(lost.instance, 2_000);
  await powerOffAt(lost, goneAtMs);
  const { text, failure } = await stream!.ended;
  expect({ text, failure }).toEqual({ text: await fleet.expectedText('Long 0', 200), failure: undefined });
  expect(lost.logged('drain deadline passed, handing over')).toHaveLength(1);

  expect((await client.get(session.id)).body).toMatchObject({ status: 'paused' });
  const resumed = await client.post(session.id, 'resume');
  expect(resumed.body).toMatchObject({ status: 'active', runnerId: staying.instance.instanceId });
  expect(await client.ask(session.id, 'Still there?')).toMatchObject({ status: 200 });
  expect(await client.transcript(session.id)).toHaveLength(4);
});

/** A session with its sandbox on that worker. */
async function sessionOn(client: SessionClient, worker: CloudWorker) {
  for (;;) {
    const session = await client.create();
    if (session.runnerId === worker.instance.instanceId) return session;
  }
}

/** Streams that run on that worker; those that came elsewhere are left to end. */
async function streamsOn(
  fleet: CloudFleet,
  worker: string,
  prompt: string,
  count: number,
  seconds: number,
): Promise<LiveStream[]> {
  const streams: LiveStream[] = [];
  while (streams.length < count) {
    const stream = await fleet.openStream(`${prompt} ${streams.length}`, seconds);
    if (stream.worker === worker) streams.push(stream);
  }
  return streams;
}

async function powerOffAt(worker: CloudWorker, atMs: number): Promise<void> {
  await delay(Math.max(0, atMs - performance.now()));
  worker.powerOff();
}
