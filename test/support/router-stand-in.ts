import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import {
  deregisterPath,
  type HeartbeatAnswer,
  heartbeatPath,
  type RunnerHeartbeat,
  type RunnerRegistration,
  registerPath,
} from '../../runtime/shared/protocol.ts';
import { until } from './poll.ts';

export interface RunnerCall {
  readonly kind: 'register' | 'heartbeat' | 'deregister';
  readonly body: Partial<RunnerRegistration & RunnerHeartbeat>;
  readonly headers: IncomingHttpHeaders;
  /** The status that the call was answered with. */
  readonly status: number;
}

const kinds: Readonly<Record<string, RunnerCall['kind']>> = {
  [registerPath]: 'register',
  [heartbeatPath]: 'heartbeat',
  [deregisterPath]: 'deregister',
};

/** The runner-facing half of a router as a real server that writes down every call and answers as it is told. */
export class RouterStandIn implements AsyncDisposable {
  readonly calls: RunnerCall[] = [];
  /** What heartbeats are answered with. */
  heartbeatAnswer: Partial<HeartbeatAnswer> = {};
  readonly url: string;
  readonly #server: Server;
  readonly #statuses: Record<RunnerCall['kind'], number[]> = { register: [], heartbeat: [], deregister: [] };

  static async start(): Promise<RouterStandIn> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new RouterStandIn(server);
  }

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', async (request, response) => {
      const kind = kinds[request.url!];
      const body = (await json(request)) as RunnerCall['body'];
      const status = kind === undefined ? 404 : (this.#statuses[kind].shift() ?? 200);
      const answer = kind === 'heartbeat' ? this.heartbeatAnswer : {};
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      if (kind) this.calls.push({ kind, body, headers: request.headers, status });
    });
  }

  /** The next calls of this kind get these statuses, later ones 200. */
  answerNext(kind: RunnerCall['kind'], ...statuses: readonly number[]): void {
    this.#statuses[kind].push(...statuses);
  }

  of(kind: RunnerCall['kind']): RunnerCall[] {
    return this.calls.filter((call) => call.kind === kind);
  }

  /** The first call, past or future, from index `from` on that fits. */
  waitFor(what: string, fits: (call: RunnerCall) => boolean, from = 0): Promise<RunnerCall> {
    return until(`the router saw ${what}`, () => this.calls.slice(from).find(fits));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
