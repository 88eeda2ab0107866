import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { CloudRefusal } from './auto-scaling-api.ts';
import { errorXml } from './query-xml.ts';
import type { CloudCall, CloudFailure } from './story.ts';

/** AWS takes a signature of up to five minutes ago or ahead. */
const longestSkewMs = 300_000;

interface PlannedFailure {
  readonly failure: CloudFailure;
  readonly action: string | undefined;
}

/** The HTTP side of AWS's Query APIs: signatures, refusals on demand, being unreachable, and a record of all calls. */
export class ApiEndpoint implements AsyncDisposable {
  readonly calls: CloudCall[] = [];
  /** Access key ids that are good. */
  readonly accessKeys = new Set<string>();
  clockAheadMs = 0;
  down: 'refuse' | 'hang' | undefined;
  readonly #answer: (parameters: URLSearchParams) => string;
  readonly #failures: PlannedFailure[] = [];
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  /** @param answer the XML for an action's parameters; throws CloudRefusal */
  constructor(answer: (parameters: URLSearchParams) => string) {
    this.#answer = answer;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  failNext(failures: readonly CloudFailure[], action?: string): void {
    this.#failures.push(...failures.map((failure) => ({ failure, action })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request).catch(() => undefined);
    // The client went away in the middle of its request.
    if (body === undefined) return;
    const parameters = new URLSearchParams(body);
    const call = {
      action: parameters.get('Action') ?? '',
      parameters: Object.fromEntries(parameters),
      atMs: performance.now(),
      status: 0,
    };
    this.calls.push(call);
    if (this.down === 'hang') return;
    if (this.down === 'refuse') {
      request.socket.resetAndDestroy();
      return;
    }
    const { status, xml } = this.#respond(request, parameters, call.action);
    call.status = status;
    const date = new Date(Date.now() + this.clockAheadMs).toUTCString();
    response.writeHead(status, { 'content-type': 'text/xml', date }).end(xml);
  }

  #respond(request: IncomingMessage, parameters: URLSearchParams, action: string): { status: number; xml: string } {
    try {
      const planned = this.#failures.findIndex((failure) => failure.action === undefined || failure.action === action);
      if (planned >= 0) {
        const [{ failure }] = this.#failures.splice(planned, 1) as [PlannedFailure];
        throw new CloudRefusal(failure.message, failure.code, failure.status);
      }
      this.#checkSignature(request);
      return { status: 200, xml: this.#answer(parameters) };
    } catch (error) {
      if (!(error instanceof CloudRefusal)) throw error;
      return { status: error.failure.status, xml: errorXml(error.failure, action === 'DescribeInstances') };
    }
  }

  /** The key and the time of the signature; the signature itself is the SDK's affair. */
  #checkSignature(request: IncomingMessage): void {
    const key = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/[\w-]+\/\w+\/aws4_request/.exec(
      request.headers.authorization ?? '',
    )?.[1];
    if (key === undefined) {
      throw new CloudRefusal('Request is missing Authentication Token', 'MissingAuthenticationToken', 403);
    }
    if (!this.accessKeys.has(key)) {
      throw new CloudRefusal('The security token included in the request is invalid.', 'InvalidClientTokenId', 403);
    }
    const signedAt = String(request.headers['x-amz-date']).replace(
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/,
      '$1-$2-$3T$4:$5:$6Z',
    );
    const now = Date.now() + this.clockAheadMs;
    // Written so that a date that is none is refused too.
    if (!(Math.abs(now - Date.parse(signedAt)) < longestSkewMs)) {
      const message = `Signature expired: ${signedAt} is not within 5 min of ${new Date(now).toISOString()}`;
      throw new CloudRefusal(message, 'SignatureDoesNotMatch', 403);
    }
  }
}
