import http from 'node:http';
import type { FrontTimeouts } from '../../runtime/router/front/client-connection.ts';
import type { ClientRequest } from '../../runtime/router/front/client-request.ts';
import type { ClientResponse } from '../../runtime/router/front/client-response.ts';
import { controlListener, FrontServer } from '../../runtime/router/front/front-server.ts';
import { RawClient } from './raw-client.ts';

export interface TestFrontOptions {
  /** What requests to `/relay...` get; default echoes the body. */
  readonly relay?: (request: ClientRequest, response: ClientResponse) => void;
  /** What all others get; default says `control`. */
  readonly control?: http.RequestListener;
  readonly timeouts?: Partial<FrontTimeouts>;
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface TestFront extends AsyncDisposable {
  readonly url: string;
  readonly front: FrontServer;
  connect(): RawClient;
}

const longTimeouts: FrontTimeouts = { idleMs: 60_000, headMs: 60_000, bodyMs: 60_000, lingerMs: 60_000 };

/** The router's front with a relay and a control surface of the test's own. */
export async function startTestFront(options: TestFrontOptions = {}): Promise<TestFront> {
  const { relay = echo, control = (_request, response) => void response.end('control'), timeouts, tls } = options;
  const front = new FrontServer({
    carries: (target) => target.startsWith('/relay'),
    relay,
    control: http.createServer(controlListener(control)),
    tls,
    timeouts: { ...longTimeouts, ...timeouts },
  });
  await front.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${front.address.port}`;
  return {
    url,
    front,
    connect: () => RawClient.to(url),
    [Symbol.asyncDispose]: () => front.close(),
  };
}

/** Answers with the body that came. */
export function echo(request: ClientRequest, response: ClientResponse): void {
  void (async () => {
    const held = await request.readBody(64 * 1024 * 1024);
    const body = Buffer.from(held.bytes);
    held.release();
    answer(response, body);
  })().catch(() => {}); // The client left, or was refused: its connection has seen to it.
}

export function answer(response: ClientResponse, body: string | Buffer, status = 200): void {
  const bytes = Buffer.from(body as string);
  response.writeHead(status, 'Said', ['content-length', String(bytes.length)]);
  response.end(bytes);
}
