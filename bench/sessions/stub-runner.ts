/**
 * A runner in its own process that does no work: it takes any number of sandboxes and never answers a message, beside
 * the comments that a real runner sends. A second port is an engine, under any loopback address.
 */
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { acceptHttp2 } from '../../runtime/runner/http2-on-port.ts';
import { answerCalls } from '../support/remote-calls.ts';

export type StubCall = { readonly kind: 'ports' } | { readonly kind: 'held' } | { readonly kind: 'release' };

const heartbeatMs = 15_000;
const held = new Set<ServerResponse>();

const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const [, , id, tail] = request.url!.split('/');
  if (request.method === 'POST' && tail === 'messages') {
    request.resume();
    hold(response);
    return;
  }
  const spec = request.method === 'POST' ? ((await json(request)) as { sessionId: string }) : undefined;
  response.writeHead(request.method === 'POST' ? 201 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ id: spec?.sessionId ?? id, agent: 'chat', status: 'ready', turns: 0 }));
};
const runner = http.createServer(serve);
acceptHttp2(runner, (request, response) =>
  serve(request as unknown as IncomingMessage, response as unknown as ServerResponse),
);

function hold(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  const timer = setInterval(() => response.write(': heartbeat\n\n'), heartbeatMs);
  held.add(response);
  response.once('close', () => {
    clearInterval(timer);
    held.delete(response);
  });
}

const answers: Readonly<Record<string, unknown>> = {
  '/generate': { text: ' yes', meta_info: { completion_tokens: 1, finish_reason: { type: 'length', length: 1 } } },
  '/v1/models': { object: 'list', data: [{ id: 'stub', object: 'model' }] },
  '/v1/loads': {
    loads: [{ num_running_reqs: 0, num_waiting_reqs: 0, num_used_tokens: 0, max_total_num_tokens: 100_000 }],
  },
};
const engine = http.createServer((request, response) => {
  request.resume();
  // Thousands of idle connections to one stub would be those of thousands of machines.
  response.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(answers[request.url!.split('?')[0]!] ?? {}));
});

for (const server of [runner, engine]) {
  server.keepAliveTimeout = 0;
  server.listen({ port: 0, host: '0.0.0.0', backlog: 4_096 });
  await once(server, 'listening');
}

answerCalls<StubCall>(({ kind }) => {
  const port = (server: http.Server) => (server.address() as AddressInfo).port;
  if (kind === 'ports') return { runnerPort: port(runner), engineUrl: `http://127.0.0.1:${port(engine)}` };
  if (kind === 'release') for (const response of held) response.destroy();
  return held.size;
});
