import { callJson } from '../../../runtime/shared/call-json.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeRunner } from '../../support/fake-runner.ts';
import { loadReport } from '../../support/scripted-load-source.ts';
import { StartedPostgres } from '../../support/started-postgres.ts';
import { StartedRunner } from '../../support/started-runner.ts';
import { startTestRouter, type TestRouter } from '../../support/test-router.ts';

const only = async (router: TestRouter) => (await router.fleet()).workers[0]!;
const isReady = (router: TestRouter) => eventually(async () => expect((await only(router)).state).toBe('ready'));
const hears = (router: TestRouter, runningRequests: number) =>
  eventually(async () => expect((await only(router)).load).toMatchObject({ runningRequests }), 5_000);
const opened = (router: TestRouter) => router.logged.filter(({ msg }) => msg === 'load stream open').length;

test('a change of load arrives without a heartbeat, by one look at the engine for two routers', async () => {
  await using one = await startTestRouter();
  await using two = await startTestRouter();
  await using runner = await StartedRunner.start({ routerUrls: [one.url, two.url] });
  const { engineUrl } = await runner.ready();
  await Promise.all([isReady(one), isReady(two)]);
  await eventually(() => expect([opened(one), opened(two)]).toEqual([1, 1]));

  const asked = async () => (await callJson(`${engineUrl}/test/loads-asked`)) as number;
  const [before, startedAt] = [await asked(), performance.now()];
  for (const count of [5, 2, 9, 4, 6, 0, 8, 1]) {
    await runner.setInFlight(count);
    await Promise.all([hears(one, count), hears(two, count)]);
  }
  // Heartbeats look as well: one a router, if the ten seconds happened to be over.
  const most = (performance.now() - startedAt) / 250 + 1 + 2;
  expect((await asked()) - before).toBeLessThanOrEqual(most);
  const { lastHeartbeatAgeSeconds } = await only(one);
  await runner.setInFlight(7);
  await hears(one, 7);
  expect((await only(one)).lastHeartbeatAgeSeconds).toBeGreaterThan(lastHeartbeatAgeSeconds!);
});

test('a router that knows a runner from the store alone follows it; after the runner has left nobody does', async () => {
  await using postgres = await StartedPostgres.start();
  const databaseUrl = await postgres.createDatabase();
  await using told = await startTestRouter({ databaseUrl });
  await using other = await startTestRouter({ databaseUrl });
  await using runner = await StartedRunner.start({ routerUrls: [told.url] });
  await runner.ready();
  await isReady(told);
  await eventually(async () => expect((await other.fleet()).workers).toHaveLength(1));
  await isReady(other);
  await runner.setInFlight(3);
  await hears(other, 3);

  await runner.setInFlight(0);
  runner.process.signal('SIGTERM');
  await runner.process.waitForExit();
  await eventually(async () => expect((await other.fleet()).workers).toEqual([]));
  const failures = (runnerId: string) =>
    other.logged.filter(({ msg, runnerId: id }) => msg === 'no load stream' && id === runnerId);
  const before = failures('test-runner');
  const { time, waitMs } = before.at(-1)!;
  const nextAttemptAt = Date.parse(time as string) + (waitMs as number);
  // Another one is lost as well and still wanted: it is tried again, in the end later than the first would have been.
  await using lost = await FakeRunner.start('lost');
  lost.engineUrl = 'http://127.0.0.1:1';
  lost.loadReport = loadReport(0);
  await lost.register(other.url);
  await eventually(() => expect(opened(other)).toBe(2));
  await lost.die();
  await eventually(() => {
    const last = failures('lost').at(-1)!;
    expect(Date.parse(last['time'] as string)).toBeGreaterThan(nextAttemptAt + 100);
  }, 20_000);
  expect(failures('test-runner')).toEqual(before);
});

test('a runner that was killed and started again is followed again; its secret goes both ways', async () => {
  const secret = 'open-sesame';
  await using router = await startTestRouter({ internalSecret: secret });
  const env = { FLEET_INTERNAL_SECRET: secret };
  await using first = await StartedRunner.start({ routerUrls: [router.url], env });
  await first.ready();
  await isReady(router);
  await first.setInFlight(2);
  await hears(router, 2);
  const { port } = new URL(await first.url());
  await first[Symbol.asyncDispose]();

  await using second = await StartedRunner.start({ routerUrls: [router.url], env, args: ['--port', port] });
  await second.ready();
  await eventually(() => expect(opened(router)).toBe(2), 20_000);
  await second.setInFlight(4);
  await hears(router, 4);
});
