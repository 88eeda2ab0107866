import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeSecretsManager extends AsyncDisposable {
  readonly url: string;
  /** What the AWS SDK of a process needs to find it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Action and region of each call. */
  readonly seen: readonly string[];
}

/** Secrets Manager on this machine, as far as GetSecretValue goes. @param secrets answers by name or ARN; may change */
export async function startFakeSecretsManager(secrets: Readonly<Record<string, object>>): Promise<FakeSecretsManager> {
  const seen: string[] = [];
  const server = http.createServer(async (request, response) => {
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString()) as { SecretId: string };
    seen.push(`${request.headers['x-amz-target']} ${/\/(\w{2}-\w+-\d)\//.exec(request.headers.authorization!)?.[1]}`);
    const secret = secrets[body.SecretId];
    response.writeHead(secret ? 200 : 400, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(secret ?? { __type: 'ResourceNotFoundException', Message: 'no such secret' }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    environment: {
      AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_REGION: 'us-east-1',
    },
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
