import { until } from '../support/poll.ts';
import { RouterStandIn } from '../support/router-stand-in.ts';
import { StartedRunner } from '../support/started-runner.ts';

test('a runner registers with every router once its engine generates, and says what routers need', async () => {
  await using first = await RouterStandIn.start();
  await using second = await RouterStandIn.start();
  await using runner = await StartedRunner.start({
    routerUrls: [`${first.url},${second.url}`],
    args: ['--max-sandboxes', '5', '--instance-id', 'i-0abc'],
  });
  for (const router of [first, second]) {
    const { body } = await router.waitFor('a registration', (call) => call.kind === 'register');
    const { port, engineUrl, ...rest } = body;
    expect(rest).toEqual({
      runnerId: 'test-runner',
      host: '127.0.0.1',
      maxSandboxes: 5,
      instanceId: 'i-0abc',
      model: 'fake-model',
      version: expect.any(String),
      engineState: 'ready',
    });
    expect(`http://127.0.0.1:${port}`).toBe(await runner.url());
    expect((await fetch(`${engineUrl}/health`)).status).toBe(200);
  }
});

test('a registration that fails is tried again after 1, 2, 4, 8, 16, 16 s until it succeeds', async () => {
  await using router = await RouterStandIn.start();
  router.answerNext('register', 500, 503, 500, 500, 500, 500);
  await using runner = await StartedRunner.start({ routerUrls: [router.url], args: ['--time-scale', '100'] });
  await router.waitFor('a successful registration', (call) => call.kind === 'register' && call.status === 200);
  await until('the waits are logged', () => runner.logged('registration failed').length === 6);
  const waits = runner.logged('registration failed').map((entry) => Number(entry['waitMs']) * 100);
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 16_000]);
});

test('heartbeats carry pool statistics and the load of the engine', async () => {
  await using router = await RouterStandIn.start();
  await using _runner = await StartedRunner.start({ routerUrls: [router.url], args: ['--time-scale', '50'] });
  const { body } = await router.waitFor('a heartbeat', (call) => call.kind === 'heartbeat');
  expect(body).toEqual({
    runnerId: 'test-runner',
    activeCount: 0,
    warmingCount: 0,
    engineState: 'ready',
    load: { runningRequests: 0, waitingRequests: 0, usedTokens: 7, maxTotalTokens: 1_000 },
  });
});

test('a router that forgot the runner gets a new registration', async () => {
  await using router = await RouterStandIn.start();
  router.answerNext('heartbeat', 404);
  await using _runner = await StartedRunner.start({ routerUrls: [router.url], args: ['--time-scale', '50'] });
  await until('the router saw two registrations', () => router.of('register').length === 2);
  await router.waitFor('a heartbeat that is accepted', (call) => call.kind === 'heartbeat' && call.status === 200);
  expect(router.calls.slice(0, 3).map((call) => `${call.kind} ${call.status}`)).toEqual([
    'register 200',
    'heartbeat 404',
    'register 200',
  ]);
});

test('a failing heartbeat is no reason to register again', async () => {
  await using router = await RouterStandIn.start();
  router.answerNext('heartbeat', 500, 500);
  await using _runner = await StartedRunner.start({ routerUrls: [router.url], args: ['--time-scale', '50'] });
  await router.waitFor('a heartbeat that is accepted', (call) => call.kind === 'heartbeat' && call.status === 200);
  expect(router.of('register')).toHaveLength(1);
});

test('every call carries the secret of the fleet, and none does when there is no secret', async () => {
  await using router = await RouterStandIn.start();
  {
    await using runner = await StartedRunner.start({
      routerUrls: [router.url],
      env: { FLEET_INTERNAL_SECRET: 'open-sesame' },
    });
    await router.waitFor('a registration', (call) => call.kind === 'register');
    runner.process.signal('SIGTERM');
    await runner.process.waitForExit();
    expect(runner.process.output).not.toContain('open-sesame');
  }
  expect(new Set(router.calls.map((call) => call.headers.authorization))).toEqual(new Set(['Bearer open-sesame']));

  const before = router.calls.length;
  await using _open = await StartedRunner.start({ routerUrls: [router.url] });
  const call = await router.waitFor('a registration', ({ kind }) => kind === 'register', before);
  expect(call.headers.authorization).toBeUndefined();
});
