import { regionOfArn, secretsManagerLoader } from '../../runtime/shared/secrets-manager.ts';
import { startFakeSecretsManager } from '../support/fake-secrets-manager.ts';

const environment = { ...process.env };
afterEach(() => {
  process.env = { ...environment };
});

async function startSecretsManager(secrets: Readonly<Record<string, object>>) {
  const service = await startFakeSecretsManager(secrets);
  Object.assign(process.env, service.environment);
  return service;
}

test('a secret is read by name in the configured region and by ARN in its own', async () => {
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:fleet-AbCdEf';
  await using service = await startSecretsManager({ fleet: { SecretString: 'a:k' }, [arn]: { SecretString: 'b:k' } });
  const load = secretsManagerLoader({ region: 'us-east-1' });
  expect([await load('fleet'), await load(arn)]).toEqual(['a:k', 'b:k']);
  expect(service.seen).toEqual(['secretsmanager.GetSecretValue us-east-1', 'secretsmanager.GetSecretValue eu-west-1']);
});

test('a secret that is missing or holds bytes is an error that says so', async () => {
  await using _service = await startSecretsManager({ bytes: { SecretBinary: 'AAAA' } });
  const load = secretsManagerLoader({ region: 'us-east-1' });
  await expect(load('other')).rejects.toThrow('no such secret');
  await expect(load('bytes')).rejects.toThrow('must hold text');
});

test('a name tells no region', () => expect(regionOfArn('fleet/keys')).toBeUndefined());
