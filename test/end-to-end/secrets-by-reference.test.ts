import { eventually } from '../support/eventually.ts';
import { startFakeSecretsManager } from '../support/fake-secrets-manager.ts';
import { startFleetCommand } from '../support/process.ts';
import { runFleet } from '../support/run-fleet.ts';
import { StartedRunner } from '../support/started-runner.ts';

const internalSecret = 'i'.repeat(64);
const secrets = {
  'fleet/internal': { SecretString: internalSecret },
  'fleet/keys': { SecretString: '{"id":"first","scopes":["inference","admin"],"key":"sk-first"}' },
};
const references = {
  FLEET_INTERNAL_SECRET: 'aws-secretsmanager:fleet/internal',
  FLEET_API_KEYS: 'aws-secretsmanager:fleet/keys',
};

test('router and runner that are told names of secrets know each other, and nobody sees the values', async () => {
  await using service = await startFakeSecretsManager(secrets);
  const env = { ...service.environment, ...references };
  await using router = startFleetCommand(['router', '--port', '0'], { env });
  const [, url] = await router.waitForLine(/"msg":"router listening","url":"([^"]+)"/);
  await using runner = await StartedRunner.start({ routerUrls: [url!], env });
  await eventually(async () => {
    const health = (await (await fetch(`${url}/health`)).json()) as { workers: { ready: number } };
    expect(health.workers.ready).toBe(1);
  });
  const register = (secret: string) =>
    fetch(`${url}/api/internal/runners/deregister`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
      body: JSON.stringify({ runnerId: 'nobody' }),
    });
  expect((await register(references.FLEET_INTERNAL_SECRET)).status).toBe(401);
  expect((await register(internalSecret)).status).toBe(200);
  const models = (key: string) => fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  expect([(await models('sk-other')).status, (await models('sk-first')).status]).toEqual([401, 200]);
  expect(router.output + runner.process.output).not.toMatch(/i{64}|sk-first/);
});

test.each(['router', 'runner'])(
  'a %s whose secret cannot be read does not start, and says which one it is',
  async (daemon) => {
    await using service = await startFakeSecretsManager({});
    const env = { ...service.environment, FLEET_INTERNAL_SECRET: references.FLEET_INTERNAL_SECRET };
    const run = await runFleet([daemon, '--port', '0'], { env });
    expect(run.code).toBe(1);
    expect(run.stdout).toContain('The secret fleet/internal could not be read');
  },
);
