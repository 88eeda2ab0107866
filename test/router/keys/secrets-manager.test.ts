import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { regionOfArn, secretsManagerLoader } from '../../../runtime/router/keys/secrets-manager.ts';

const environment = { ...process.env };
afterEach(() => {
  process.env = { ...environment };
});

/** Secrets Manager on this machine, as far as GetSecretValue goes. */
async function startSecretsManager(secrets: Readonly<Record<string, object>>) {
  const seen: string[] = [];
  const server = http.createServer(async (request, response) => {
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString()) as { SecretId: string };
    seen.push(`${request.headers['x-amz-target']} ${/\/(\w{2}-\w+-\d)\//.exec(request.headers.authorization!)?.[1]}`);
    const secret = secrets[body.SecretId];
    response.writeHead(secret ? 200 : 400, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(secret ?? { __type: 'ResourceNotFoundException', Message: 'no such secret' }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  process.env['AWS_ENDPOINT_URL_SECRETS_MANAGER'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env['AWS_ACCESS_KEY_ID'] = 'id';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'secret';
  return {
    seen,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

test('a secret is read by name in the configured region and by ARN in its own', async () => {
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:fleet-AbCdEf';
  using service = await startSecretsManager({ fleet: { SecretString: 'a:k' }, [arn]: { SecretString: 'b:k' } });
  const load = secretsManagerLoader({ region: 'us-east-1' });
  expect([await load('fleet'), await load(arn)]).toEqual(['a:k', 'b:k']);
  expect(service.seen).toEqual(['secretsmanager.GetSecretValue us-east-1', 'secretsmanager.GetSecretValue eu-west-1']);
});

test('a secret that is missing or holds bytes is an error that says so', async () => {
  using _service = await startSecretsManager({ bytes: { SecretBinary: 'AAAA' } });
  const load = secretsManagerLoader({ region: 'us-east-1' });
  await expect(load('other')).rejects.toThrow('no such secret');
  await expect(load('bytes')).rejects.toThrow('must hold text');
});

test('a name tells no region', () => expect(regionOfArn('fleet/keys')).toBeUndefined());
