import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { resolveEngineSecrets } from '../../runtime/runner/engine/engine-secrets.ts';
import { eventually } from '../support/eventually.ts';
import { startFakeSecretsManager } from '../support/fake-secrets-manager.ts';
import { startFleetCommand } from '../support/process.ts';
import { runFleet } from '../support/run-fleet.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const load = async (id: string) => `value of ${id}`;

test('variables that refer to a secret get its value, others and those of the daemons stay as they are', async () => {
  const environment = {
    HF_TOKEN: 'aws-secretsmanager:hf',
    HF_HOME: '/cache',
    FLEET_INTERNAL_SECRET: 'aws-secretsmanager:internal',
  };
  await resolveEngineSecrets(environment, load);
  expect(environment).toEqual({
    HF_TOKEN: 'value of hf',
    HF_HOME: '/cache',
    FLEET_INTERNAL_SECRET: 'aws-secretsmanager:internal',
  });
});

test('the engine of a runner that was told the name of a token has the token, and no log line has it', async () => {
  await using folder = await temporaryDirectory();
  await using service = await startFakeSecretsManager({ hf: { SecretString: 'hf_0123456789\n' } });
  const seen = path.join(folder.path, 'seen');
  const args = ['--port', '0', '--engine-port', '0', '--data-dir', path.join(folder.path, 'data')];
  await using runner = startFleetCommand(
    ['runner', ...args, '--engine-command', `sh -c 'printf %s "$HF_TOKEN" >${seen}; sleep 600'`],
    { env: { ...service.environment, HF_TOKEN: 'aws-secretsmanager:hf' } },
  );
  await eventually(async () => expect(await readFile(seen, 'utf8')).toBe('hf_0123456789'));
  expect(runner.output).not.toContain('hf_0123456789');
});

test('a runner whose token cannot be read does not start, and says which secret it is', async () => {
  await using folder = await temporaryDirectory();
  await using service = await startFakeSecretsManager({});
  const run = await runFleet(['runner', '--port', '0', '--data-dir', folder.path], {
    env: { ...service.environment, HF_TOKEN: 'aws-secretsmanager:hf' },
  });
  expect(run.code).toBe(1);
  expect(run.stdout).toContain('The secret hf could not be read');
});
