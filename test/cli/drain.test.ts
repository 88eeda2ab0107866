import { fetchFleet } from '../../runtime/cli/status.ts';
import { until } from '../support/poll.ts';
import { startFleetCommand } from '../support/process.ts';
import { runFleet } from '../support/run-fleet.ts';
import { unusedUrl } from '../support/scripted-openai-server.ts';
import { StartedRunner } from '../support/started-runner.ts';

const secrets = { FLEET_INTERNAL_SECRET: 'open-sesame', FLEET_API_KEYS: 'admin:key-of-ops' };

async function startPair() {
  await using stack = new AsyncDisposableStack();
  const staticUrl = await unusedUrl();
  const args = ['router', '--port', '0', '--worker-url', staticUrl];
  const router = stack.use(startFleetCommand(args, { env: secrets }));
  const [, url] = await router.waitForLine(/"msg":"router listening".*"url":"([^"]+)"/);
  const env = { FLEET_INTERNAL_SECRET: secrets.FLEET_INTERNAL_SECRET };
  const runner = stack.use(await StartedRunner.start({ routerUrls: [url!], env }));
  await until('the router knew the worker', async () => {
    const { workers } = await fetchFleet({ url: url!, apiKey: 'key-of-ops' });
    return workers.some(({ state }) => state === 'ready');
  });
  const cleanUp = stack.move();
  return { url: url!, runner, staticUrl, [Symbol.asyncDispose]: () => cleanUp[Symbol.asyncDispose]() };
}

test('fleet drain by way of the router waits until the worker has left', async () => {
  await using fleet = await startPair();
  const env = { FLEET_URL: fleet.url, FLEET_API_KEY: 'key-of-ops' };
  await fleet.runner.setInFlight(1);
  const draining = runFleet(['drain', 'test-runner'], { env });
  await fleet.runner.healthWhere('it drains', ({ status }) => status === 'draining');
  await fleet.runner.setInFlight(0);
  const { code, stdout } = await draining;
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^(\S+) drains\n(.*\n)*\1 has left\n$/) });
  expect((await fleet.runner.health()).lifecycle.drainCauses).toEqual(['request']);
});

test('fleet drain asks a runner itself, with the secret of the fleet', async () => {
  await using runner = await StartedRunner.start({ env: { FLEET_INTERNAL_SECRET: 'open-sesame' } });
  await runner.ready();
  const args = ['drain', '--runner-url', await runner.url()];
  const refused = await runFleet(args, { env: { FLEET_INTERNAL_SECRET: 'open-barley' } });
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('FLEET_INTERNAL_SECRET') });
  expect((await runner.health()).status).toBe('ok');
  const done = await runFleet(args, { env: { FLEET_INTERNAL_SECRET: 'open-sesame' } });
  expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('test-runner has left') });
  expect((await runner.health()).status).toBe('drained');
});

test('a drain that takes too long is not waited for, and goes on', async () => {
  await using runner = await StartedRunner.start();
  await runner.ready();
  await runner.setInFlight(1);
  const args = ['drain', '--runner-url', await runner.url(), '--timeout-seconds', '0.2'];
  expect(await runFleet(args)).toMatchObject({ code: 1, stderr: expect.stringContaining('still drains after 0.2 s') });
  expect((await runner.health()).status).toBe('draining');
});

test('what cannot be drained is said', async () => {
  await using fleet = await startPair();
  const env = { FLEET_URL: fleet.url, FLEET_API_KEY: 'key-of-ops' };
  const errorOf = async (args: readonly string[], more = {}) => {
    const { code, stderr } = await runFleet(['drain', ...args], { env: { ...env, ...more } });
    return { code, stderr };
  };
  expect(await errorOf(['nobody'])).toEqual({ code: 1, stderr: expect.stringContaining('no worker "nobody"') });
  expect(await errorOf([])).toEqual({ code: 1, stderr: expect.stringContaining('name the worker') });
  expect(await errorOf(['test-runner'], { FLEET_API_KEY: 'wrong' })).toEqual({
    code: 1,
    stderr: expect.stringContaining('FLEET_API_KEY'),
  });
  expect(await errorOf(['x'], { FLEET_URL: await unusedUrl() })).toMatchObject({ code: 1 });
  const { host } = new URL(fleet.staticUrl);
  expect(await errorOf([host])).toEqual({ code: 1, stderr: expect.stringContaining(`"${host}" has no runner`) });
  expect((await fleet.runner.health()).status).toBe('ok');
});
