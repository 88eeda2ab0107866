import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type LoadReport, loadPath } from '../../runtime/shared/protocol.ts';
import { eventStreamType, formatEvent } from '../../runtime/shared/sse.ts';

/** A request for the load stream that has been answered as `onStream` likes. */
export interface LoadRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export const loadReport = (runningRequests: number, engineState: LoadReport['engineState'] = 'ready'): LoadReport => ({
  engineState,
  load: { runningRequests, waitingRequests: 0, usedTokens: 0, maxTotalTokens: 1_000 },
  activeCount: 0,
  warmingCount: 0,
});

/** The load stream of a runner as a real server whose every byte a test decides. */
export class ScriptedLoadSource implements AsyncDisposable {
  /** Every request so far. */
  readonly requests: LoadRequest[] = [];
  /** Opens the stream unless a test says otherwise. */
  onStream: (each: LoadRequest) => void = ({ response }) => {
    response.writeHead(200, { 'content-type': eventStreamType }).flushHeaders();
  };
  readonly #server = createServer((request, response) => {
    if (request.url !== loadPath) throw new Error(`unexpected ${request.url}`);
    const each = { request, response };
    this.requests.push(each);
    this.onStream(each);
  });

  static async start(): Promise<ScriptedLoadSource> {
    const source = new ScriptedLoadSource();
    await source.listen(0);
    return source;
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** A registration that names this server, with an engine that nobody asks. */
  registration(runnerId = 'r1') {
    const engineUrl = `http://127.0.0.1:1/${runnerId}`;
    return { runnerId, host: '127.0.0.1', port: this.port, maxSandboxes: 0, engineUrl };
  }

  /** Streams that are open, or attempts under way. */
  get open(): LoadRequest[] {
    return this.requests.filter(({ request }) => !request.socket.destroyed);
  }

  /** Sends to every open stream. */
  send(...reports: readonly LoadReport[]): void {
    this.sendText(reports.map((report) => formatEvent(JSON.stringify(report))).join(''));
  }

  sendText(text: string): void {
    for (const { response } of this.open) response.write(text);
  }

  /** As by `kill -9`. */
  async die(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.die();
  }
}
