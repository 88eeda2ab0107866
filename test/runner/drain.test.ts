import { callJson, type HttpStatusError } from '../../runtime/shared/call-json.ts';
import { identifyProcess } from '../../runtime/shared/process/process-table.ts';
import { until } from '../support/poll.ts';
import { RouterStandIn, type RunnerCall } from '../support/router-stand-in.ts';
import { StartedRunner } from '../support/started-runner.ts';

test('SIGTERM tells the routers, waits for the requests in flight, then deregisters and ends the engine', async () => {
  await using router = await RouterStandIn.start();
  await using runner = await StartedRunner.start({ routerUrls: [router.url] });
  const { engine } = await runner.ready();
  await router.waitFor('a registration', (call) => call.kind === 'register');
  await runner.setInFlight(2);

  runner.process.signal('SIGTERM');
  await router.waitFor('the drain', (call) => call.body.engineState === 'draining');
  // Work is still going on, so nothing has been taken away.
  expect(await runner.health()).toMatchObject({ status: 'draining', engine: { state: 'draining', pid: engine.pid } });
  expect(router.of('deregister')).toEqual([]);

  await runner.setInFlight(0);
  expect(await runner.process.waitForExit()).toEqual({ code: 0, signal: null });
  expect(router.calls.at(-1)).toMatchObject({ kind: 'deregister', body: { runnerId: 'test-runner' } });
  expect(identifyProcess(engine.pid!)).toBeUndefined();
});

test('an engine whose requests outlive the drain deadline is killed, so that routers see them break off', async () => {
  await using router = await RouterStandIn.start();
  await using runner = await StartedRunner.start({ routerUrls: [router.url], args: ['--drain-seconds', '1'] });
  const { engine } = await runner.ready();
  await router.waitFor('a registration', (call) => call.kind === 'register');
  await runner.setInFlight(3);
  runner.process.signal('SIGTERM');
  expect(await runner.process.waitForExit()).toMatchObject({ code: 0 });
  expect(runner.logged('drain deadline passed, handing over')).toMatchObject([{ requests: 3, turns: 0 }]);
  // An aborted answer ends like a complete one.
  expect(runner.engineLog).not.toContain('abort_request received');
  expect(router.of('deregister')).toHaveLength(1);
  expect(identifyProcess(engine.pid!)).toBeUndefined();
});

test('an engine is not stopped while a router still passes on what it has generated', async () => {
  await using router = await RouterStandIn.start();
  await using runner = await StartedRunner.start({ routerUrls: [router.url] });
  await runner.ready();
  await router.waitFor('a registration', (call) => call.kind === 'register');
  router.heartbeatAnswer = { inFlightRequests: 1, oldestRequestSeconds: 3, otherReadyWorkers: 1 };
  runner.process.signal('SIGTERM');
  const isDraining = (call: RunnerCall) => call.kind === 'heartbeat' && call.body.engineState === 'draining';
  await until('the router was asked again and again', () => router.calls.filter(isDraining).length >= 4);
  expect(router.of('deregister')).toEqual([]);
  router.heartbeatAnswer = { inFlightRequests: 0, oldestRequestSeconds: 0, otherReadyWorkers: 1 };
  expect(await runner.process.waitForExit()).toMatchObject({ code: 0 });
  expect(router.of('deregister')).toHaveLength(1);
});

test('an idle engine that does not heed SIGTERM is killed with everything that it started', async () => {
  await using runner = await StartedRunner.start({ engineArgs: ['--stubborn', '--child'] });
  const { engine } = await runner.ready();
  const child = Number(runner.engineLog.match(/engine child (\d+)/)![1]);
  runner.process.signal('SIGTERM');
  expect(await runner.process.waitForExit()).toMatchObject({ code: 0 });
  expect(runner.engineLog).toContain('SIGTERM received');
  expect([identifyProcess(engine.pid!), identifyProcess(child)]).toEqual([undefined, undefined]);
});

test('a router that is gone does not hold up the drain', async () => {
  await using router = await RouterStandIn.start();
  await using runner = await StartedRunner.start({ routerUrls: [router.url] });
  await router.waitFor('a registration', (call) => call.kind === 'register');
  await router[Symbol.asyncDispose]();
  runner.process.signal('SIGTERM');
  expect(await runner.process.waitForExit()).toMatchObject({ code: 0 });
  expect(runner.logged('deregistration failed')).toHaveLength(1);
});

test('a second SIGTERM ends the runner at once and takes the engine with it', async () => {
  await using runner = await StartedRunner.start();
  const { engine } = await runner.ready();
  await runner.setInFlight(1);
  runner.process.signal('SIGTERM');
  await runner.healthWhere('the drain began', ({ status }) => status === 'draining');
  runner.process.signal('SIGTERM');
  expect(await runner.process.waitForExit()).toMatchObject({ code: 1 });
  await until('the engine is gone', () => identifyProcess(engine.pid!) === undefined);
});

test('POST /drain gives up the engine and leaves the runner to say so', async () => {
  await using router = await RouterStandIn.start();
  await using runner = await StartedRunner.start({ routerUrls: [router.url] });
  const { engine } = await runner.ready();
  await router.waitFor('a registration', (call) => call.kind === 'register');
  expect(await callJson(`${await runner.url()}/drain`, { method: 'POST' })).toMatchObject({ status: 'draining' });
  await runner.healthWhere('the drain is over', ({ status }) => status === 'drained');
  expect(router.of('deregister')).toHaveLength(1);
  expect(identifyProcess(engine.pid!)).toBeUndefined();
});

test('POST /drain needs the secret of the fleet', async () => {
  await using runner = await StartedRunner.start({ env: { FLEET_INTERNAL_SECRET: 'open-sesame' } });
  const url = `${await runner.url()}/drain`;
  const drainWith = (authorization?: string) =>
    callJson(url, { method: 'POST', headers: authorization === undefined ? {} : { authorization } }).catch(
      (error: HttpStatusError) => [error.status, JSON.parse(error.body).error.code],
    );
  expect(await drainWith()).toEqual([401, 'UNAUTHORIZED']);
  expect(await drainWith('Bearer open-barley')).toEqual([401, 'UNAUTHORIZED']);
  expect(await drainWith('Bearer open-sesame')).toMatchObject({ status: 'draining' });
});
