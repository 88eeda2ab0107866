import { RouterLinks } from '../../runtime/runner/routers/router-links.ts';
import { createLogger } from '../../runtime/shared/log.ts';
import { discoveryIntervalMs } from '../../runtime/shared/protocol.ts';
import { eventually } from '../support/eventually.ts';
import { RouterStandIn } from '../support/router-stand-in.ts';
import { StartedRunner } from '../support/started-runner.ts';

const announce = async (runner: StartedRunner, body: unknown, secret = '') =>
  fetch(`${await runner.url()}/internal/routers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    body: JSON.stringify(body),
  });
const portOf = ({ url }: RouterStandIn) => Number(new URL(url).port);

test('a runner that knows no router registers with those that say where they are, once', async () => {
  await using runner = await StartedRunner.start({ args: ['--time-scale', '20'] });
  await runner.ready();
  await using first = await RouterStandIn.start();
  await using second = await RouterStandIn.start();
  for (const router of [first, second, first]) {
    expect((await announce(runner, { port: portOf(router) })).status).toBe(204);
  }
  for (const router of [first, second]) {
    await router.waitFor('heartbeats', (call) => call.kind === 'heartbeat');
    expect(router.of('register')).toHaveLength(1);
  }
  runner.process.signal('SIGTERM');
  for (const router of [first, second]) await router.waitFor('a farewell', (call) => call.kind === 'deregister');
});

test('a router that comes before the engine has generated is told when it has', async () => {
  await using router = await RouterStandIn.start();
  await using runner = await StartedRunner.start({ engineArgs: ['--refuse', '2'] });
  expect((await announce(runner, { port: portOf(router) })).status).toBe(204);
  await router.waitFor('a registration', (call) => call.kind === 'register');
});

test('nobody without the secret sends a runner to another router', async () => {
  await using runner = await StartedRunner.start({ env: { FLEET_INTERNAL_SECRET: 'sesame' } });
  expect((await announce(runner, { port: 1 }, 'guess')).status).toBe(401);
  expect((await announce(runner, { port: 1 }, 'sesame')).status).toBe(204);
});

test('a router that listens on one address says which one', async () => {
  await using runner = await StartedRunner.start();
  await runner.ready();
  await using router = await RouterStandIn.start();
  expect((await announce(runner, { port: portOf(router), host: '127.0.0.1' })).status).toBe(204);
  await router.waitFor('a registration', (call) => call.kind === 'register');
});

test.each([
  [{}],
  [{ port: '8001' }],
  [{ port: 0 }],
  [{ port: 65_536 }],
  [{ port: 8_001, host: 'evil.example/x' }],
  [{ port: 8_001, host: 7 }],
  [[]],
])('%j is no announcement', async (body) => {
  await using runner = await StartedRunner.start();
  const response = await announce(runner, body);
  expect([response.status, await response.json()]).toMatchObject([400, { error: { code: 'INVALID_REQUEST' } }]);
});

describe('routers that are gone', () => {
  const timeScale = 50;
  const manyMs = (20 * discoveryIntervalMs) / timeScale;
  let nowMs = 0;
  const linksTo = (routerUrls: readonly string[]) => {
    const log = createLogger({ service: 'test', level: 'silent' });
    const facts = {
      runnerId: 'r1',
      registration: () => ({ runnerId: 'r1', host: '127.0.0.1', port: 1, maxSandboxes: 0 }),
      heartbeat: async () => ({ runnerId: 'r1', activeCount: 0, warmingCount: 0 }),
    };
    const link = { facts, secret: undefined, timeScale, log };
    return new RouterLinks({ routerUrls, link, log, timeScale, now: () => nowMs });
  };

  test('are forgotten when they neither answer nor say where they are, unless the options name them', async () => {
    await using here = await RouterStandIn.start();
    await using quiet = await RouterStandIn.start();
    for (const router of [here, quiet]) {
      router.heartbeatAnswer = { inFlightRequests: 0, oldestRequestSeconds: 0, otherReadyWorkers: 0 };
    }
    const gone = 'http://127.0.0.1:9';
    const named = 'http://127.0.0.1:8';
    const links = linksTo([named]);
    links.start();
    for (const url of [here.url, quiet.url, gone]) links.hear(url);
    // One that answers is there, whatever keeps it from finding the runner.
    await quiet.waitFor('a heartbeat', (call) => call.kind === 'heartbeat');
    await eventually(() => expect(links.all.filter(({ lastAnswer }) => lastAnswer !== undefined)).toHaveLength(2));
    nowMs += manyMs;
    links.hear(here.url);
    expect(links.all).toHaveLength(3);
    await Promise.all(links.all.map((link) => link.close(100)));
  });

  test('make room for others, of which a runner hears only so many', async () => {
    const links = linksTo([]);
    const urls = Array.from({ length: 100 }, (_, index) => `http://127.0.0.1:${index + 1}`);
    for (const url of urls) links.hear(url);
    expect(links.all).toHaveLength(64);
    nowMs += manyMs;
    links.hear(urls[99]!);
    expect(links.all).toHaveLength(1);
    await Promise.all(links.all.map((link) => link.close(100)));
  });
});
