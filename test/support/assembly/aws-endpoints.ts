import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/**
 * The AWS services beside Auto Scaling and EC2 that daemons speak to at their start: Secrets Manager, which knows the secrets
 * it is given, and CloudWatch, which takes everything.
 */
export class AwsEndpoints implements AsyncDisposable {
  readonly #secrets: Readonly<Record<string, string>>;
  readonly #server: Server;

  private constructor(secrets: Readonly<Record<string, string>>) {
    this.#secrets = secrets;
    this.#server = createServer(async (request, response) => {
      const target = String(request.headers['x-amz-target'] ?? '');
      const answer = target.endsWith('.GetSecretValue')
        ? this.#secretOf((await json(request)) as { SecretId: string })
        : { status: 200, body: {} };
      response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(answer.body));
    });
  }

  /** @param secrets values by name */
  static async start(secrets: Readonly<Record<string, string>>): Promise<AwsEndpoints> {
    const endpoints = new AwsEndpoints(secrets);
    await once(endpoints.#server.listen(0, '127.0.0.1'), 'listening');
    return endpoints;
  }

  /** For the environment of a process that uses the AWS SDK. */
  get environment(): Record<string, string> {
    const url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return { AWS_ENDPOINT_URL_SECRETS_MANAGER: url, AWS_ENDPOINT_URL_CLOUDWATCH: url };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #secretOf({ SecretId }: { SecretId: string }): { status: number; body: object } {
    const value = this.#secrets[SecretId];
    if (value === undefined) return { status: 400, body: { __type: 'ResourceNotFoundException', Message: SecretId } };
    return { status: 200, body: { Name: SecretId, SecretString: value } };
  }
}
