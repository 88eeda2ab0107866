import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a metadata service can do instead of answering. */
export type MetadataFault =
  /** The connection stays open and nothing comes, as past the hop limit. */
  | 'silent'
  | 'reset'
  /** The head of an answer and a part of its body, then nothing. */
  | 'half'
  | 'error-500'
  | 'throttled'
  /** HTTP 200 with a page that nobody asked for. */
  | 'garbage'
  /** HTTP 200 with a megabyte. */
  | 'flood';

/** One request that the service saw. */
export interface MetadataCall {
  readonly method: string;
  readonly path: string;
  /** Of the answer; 0 for none. */
  status: number;
}

/**
 * An EC2 instance metadata service of its own, version 2 only: `PUT /latest/api/token` with a life time in seconds, and
 * no item without a token that is still good.
 */
export class FakeInstanceMetadata implements AsyncDisposable {
  /** Text by path below `/latest/meta-data/`; tests change it as they like. */
  readonly items = new Map<string, string>();
  readonly calls: MetadataCall[] = [];
  /** Faults by path (`api/token` for the token), until they are taken away; `''` is for all. */
  readonly faults = new Map<string, MetadataFault>();
  /** Faults of the next requests for a path. */
  readonly #nextFaults = new Map<string, MetadataFault[]>();
  /** How far the service's clock is ahead of this machine's, in ms. */
  clockAheadMs = 0;
  /** Sends no `date` header. */
  hasNoDate = false;
  /** Tokens live no longer than this whatever is asked for, in seconds. */
  longestTtlSeconds = 21_600;
  /** The metadata service is switched off for the instance: 403 for everything. */
  isSwitchedOff = false;
  /** Until when each token is good, ms of `performance.now()`. */
  readonly #tokens = new Map<string, number>();
  readonly #server = createServer((request, response) => this.#serve(request, response));

  static async start(items: Readonly<Record<string, string>> = {}): Promise<FakeInstanceMetadata> {
    const fake = new FakeInstanceMetadata();
    for (const [path, text] of Object.entries(items)) fake.items.set(path, text);
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  /** For `AWS_EC2_METADATA_SERVICE_ENDPOINT`. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Every token given so far, which must be in no log. */
  get tokens(): readonly string[] {
    return [...this.#tokens.keys()];
  }

  get tokenRequests(): number {
    return this.callsOf('api/token').length;
  }

  callsOf(path: string): readonly MetadataCall[] {
    return this.calls.filter((call) => call.path === path);
  }

  failNext(path: string, ...faults: MetadataFault[]): void {
    this.#nextFaults.set(path, faults);
  }

  /** No token given so far is good any more, as after a stop and start. */
  revokeTokens(): void {
    for (const token of this.#tokens.keys()) this.#tokens.set(token, Number.NEGATIVE_INFINITY);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url!.replace(/^\/latest\/(meta-data\/)?/, '');
    const call: MetadataCall = { method: request.method!, path, status: 0 };
    this.calls.push(call);
    response.sendDate = false;
    if (!this.hasNoDate) response.setHeader('date', new Date(Date.now() + this.clockAheadMs).toUTCString());
    response.setHeader('content-type', 'text/plain');
    const fault = this.#nextFaults.get(path)?.shift() ?? this.faults.get(path) ?? this.faults.get('');
    if (fault) misbehave(fault, response);
    else if (this.isSwitchedOff) response.writeHead(403).end();
    else if (path === 'api/token') this.#giveToken(request, response);
    else this.#giveItem(path, request, response);
    if (response.headersSent) call.status = response.statusCode;
  }

  #giveToken(request: IncomingMessage, response: ServerResponse): void {
    const wanted = request.headers['x-aws-ec2-metadata-token-ttl-seconds'];
    const seconds = typeof wanted === 'string' && /^\d+$/.test(wanted) ? Number(wanted) : 0;
    if (request.method !== 'PUT') response.writeHead(405).end();
    // What came through a proxy gets no token.
    else if (request.headers['x-forwarded-for'] !== undefined) response.writeHead(403).end();
    else if (seconds < 1 || seconds > 21_600) response.writeHead(400).end();
    else {
      const granted = Math.min(seconds, this.longestTtlSeconds);
      const token = `${randomBytes(39).toString('base64url')}==`;
      this.#tokens.set(token, performance.now() + 1_000 * granted);
      response.writeHead(200, { 'x-aws-ec2-metadata-token-ttl-seconds': granted }).end(token);
    }
  }

  #giveItem(path: string, request: IncomingMessage, response: ServerResponse): void {
    const token = request.headers['x-aws-ec2-metadata-token'];
    const goodUntil = typeof token === 'string' ? this.#tokens.get(token) : undefined;
    const text = this.items.get(path);
    if (goodUntil === undefined || performance.now() >= goodUntil) response.writeHead(401).end('Unauthorized');
    else if (text === undefined) response.writeHead(404).end('Not Found');
    else response.writeHead(200).end(text);
  }
}

function misbehave(fault: MetadataFault, response: ServerResponse): void {
  switch (fault) {
    case 'silent':
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'half':
      response.writeHead(200, { 'content-length': 100 }).write('i-');
      return;
    case 'error-500':
      response.writeHead(500).end('Internal Server Error');
      return;
    case 'throttled':
      response.writeHead(429).end('Too Many Requests');
      return;
    case 'garbage':
      response.writeHead(200).end('<html>\n<body>Please sign in</body>\u0000\n</html>');
      return;
    case 'flood':
      response.writeHead(200).end('x'.repeat(1_000_000));
  }
}
