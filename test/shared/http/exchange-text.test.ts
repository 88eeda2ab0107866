import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { exchangeText, type TextExchange } from '../../../runtime/shared/http/exchange-text.ts';

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
  expect((await exchange('/')).text).toBe(first.text);
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
  await expect(exchange('/once', { method: 'POST', body: '{}' })).rejects.toThrow(/closed the connection|ECONNRESET/);
});

test('an answer that is too long or breaks off is an error', async () => {
  await expect(exchange('/long')).rejects.toThrow('the answer is longer than 1000 bytes');
  await expect(exchange('/half')).rejects.toThrow('the server closed the connection');
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

test('a header that would begin another is refused, and its value does not get into the message', async () => {
  const headers = { authorization: 'Bearer s3cret\r\nx-more: 1' };
  const refusal = await exchange('/', { headers }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(TypeError);
  expect(String(refusal)).toMatch(/authorization/);
  expect(String(refusal)).not.toMatch(/s3cret/);
});

test.each([
  ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'bad status line'],
  ['an end before its length', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf', 'the server closed the connection'],
  ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx', 'bad content-length'],
  ['a head without end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(200_000)}`, 'response head exceeds'],
])('%s from a server is an error that says so', async (_what, answerBytes, message) => {
  await using raw = await startRawServer((socket) => socket.end(answerBytes));
  await expect(exchangeText(raw.url, { timeoutMs: 10_000, maxBytes: 1_000, keepsConnection: true })).rejects.toThrow(
    message,
  );
});

test('what comes behind an answer is not taken for the next one', async () => {
  let connections = 0;
  await using raw = await startRawServer((socket) => {
    const own = ++connections;
    socket.on('data', () => {
      const body = `connection ${own}`;
      const whole = `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
      socket.write(own === 1 ? whole + whole.replace('200 OK', '500 Smuggled') : whole);
    });
  });
  const limits = { timeoutMs: 10_000, maxBytes: 1_000, keepsConnection: true };
  expect(await exchangeText(raw.url, limits)).toMatchObject({ status: 200, text: 'connection 1' });
  expect(await exchangeText(raw.url, limits)).toMatchObject({ status: 200, text: 'connection 2' });
});

/** A server that answers with bytes of its own, whatever it is asked. */
async function startRawServer(onConnection: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const raw = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    socket.resume();
    onConnection(socket);
  });
  await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(raw.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => raw.close(resolve));
    },
  };
}

/** Runs a program of its own that has `exchangeText` and `limits`, and waits until it ends by itself. */
async function outputOf(statements: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const module = import.meta.resolve('../../../runtime/shared/http/exchange-text.ts');
  const program = `
    const { exchangeText } = await import(${JSON.stringify(module)});
    const limits = { timeoutMs: 600_000, maxBytes: 1_000, keepsConnection: true };
    ${statements}`;
  const options = { timeout: 50_000, env: { ...process.env, ...env } };
  return (await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], options)).stdout;
}

test('neither a kept connection nor an exchange that was ended keeps a process from ending', async () => {
  const statements = `
    await exchangeText('${url}/', limits);
    await exchangeText('${url}/never', { ...limits, signal: AbortSignal.timeout(10) }).catch(() => {});
    console.log((await exchangeText('${url}/', limits)).status);`;
  expect(await outputOf(statements)).toBe('200\n');
});

test('over TLS the server must be one that Node trusts', async () => {
  const fixture = (name: string) => `${import.meta.dirname}/../../fixtures/tls/${name}`;
  const identity = { cert: readFileSync(fixture('first.pem')), key: readFileSync(fixture('first.key')) };
  const secure = https.createServer(identity, (_request, response) => response.end('over TLS'));
  await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
  const secureUrl = `https://localhost:${(secure.address() as AddressInfo).port}/`;
  try {
    await expect(exchangeText(secureUrl, { timeoutMs: 10_000, maxBytes: 9, keepsConnection: false })).rejects.toThrow(
      /unable to (verify|get)/,
    );
    const statements = `for (const i of [1, 2]) console.log((await exchangeText('${secureUrl}', limits)).text);`;
    expect(await outputOf(statements, { NODE_EXTRA_CA_CERTS: fixture('first-ca.pem') })).toBe('over TLS\nover TLS\n');
  } finally {
    secure.closeAllConnections();
    secure.close();
  }
});
