import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { exchangeText, type TextExchange } from '../../runtime/shared/exchange-text.ts';

let server: http.Server;
let url: string;
const requestsOf = new Map<Socket, number>();

/** `/once` breaks the connection off when it comes as the second request on it, as a server does that was about to close it. */
function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  const { socket } = request;
  const count = (requestsOf.get(socket) ?? 0) + 1;
  requestsOf.set(socket, count);
  if (request.url === '/once' && count > 1) socket.destroy();
  else if (request.url === '/never') return;
  else if (request.url === '/half')
    response.writeHead(200, { 'content-length': 10 }).write('12345', () => socket.destroy());
  else if (request.url === '/long') response.end('x'.repeat(1_001));
  else response.end(`${request.method} on ${socket.remotePort}`);
}

beforeEach(async () => {
  server = http.createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const exchange = (path: string, more: Partial<TextExchange> = {}) =>
  exchangeText(url + path, { timeoutMs: 10_000, maxBytes: 1_000, keepsConnection: true, ...more });

test('a kept connection carries the next exchange, another does not', async () => {
  const first = await exchange('/');
  expect(await exchange('/')).toEqual(first);
  expect((await exchange('/', { keepsConnection: false })).text).not.toBe(first.text);
});

test('a kept connection that the server was about to close does no harm', async () => {
  const first = await exchange('/');
  const second = await exchange('/once');
  expect(second.status).toBe(200);
  expect(second.text).not.toBe(first.text);
});

test('what must not be done twice is not tried again', async () => {
  await exchange('/');
  await expect(exchange('/once', { method: 'POST', body: '{}' })).rejects.toThrow(/socket hang up|ECONNRESET/);
});

test('an answer that is too long or breaks off is an error', async () => {
  await expect(exchange('/long')).rejects.toThrow('the answer is longer than 1000 bytes');
  await expect(exchange('/half')).rejects.toThrow('aborted');
});

test('a time-out and a signal end it with their own reason', async () => {
  await expect(exchange('/never', { timeoutMs: 20.5 })).rejects.toMatchObject({ name: 'TimeoutError' });
  const reason = new Error('no longer wanted');
  const stop = new AbortController();
  const pending = exchange('/never', { signal: stop.signal });
  stop.abort(reason);
  await expect(pending).rejects.toBe(reason);
  await expect(exchange('/', { signal: stop.signal })).rejects.toBe(reason);
});

test('nobody there is an error with its code', async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await expect(exchange('/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
