import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { acceptHttp2 } from '../../runtime/runner/http2-on-port.ts';

let server: http.Server;
let endHttp2: () => void;
let port: number;
beforeEach(async () => {
  server = http.createServer(async (request, response) => response.end(`1.1 ${await text(request)}`));
  endHttp2 = acceptHttp2(server, async (request, response) => void response.end(`2 ${await text(request)}`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  endHttp2();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function byHttp2(body: string): Promise<string> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  try {
    return await text(session.request({ ':method': 'POST', ':path': '/' }).end(body));
  } finally {
    session.destroy();
  }
}

test('one port speaks both', async () => {
  const first = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'hello' });
  expect(await first.text()).toBe('1.1 hello');
  expect(await byHttp2('hello')).toBe('2 hello');
});

test.each(['POST / HTTP/1.1', 'PRI / HTTP/1.1'])('%s that comes byte by byte is told apart', async (line) => {
  const socket = net.connect(port, '127.0.0.1').setNoDelay();
  const answer = text(socket);
  for (const byte of `${line}\r\nhost: a\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi`) {
    await new Promise((resolve) => socket.write(byte, resolve));
  }
  if (line.startsWith('POST')) expect(await answer).toContain('1.1 hi');
  else expect(await answer.catch(String)).not.toContain('1.1');
});

test('connections that say nothing, break or leave harm nobody, and end with the server', async () => {
  const silent = net.connect(port, '127.0.0.1');
  await once(silent, 'connect');
  const broken = net.connect(port, '127.0.0.1');
  await once(broken, 'connect');
  broken.resetAndDestroy();
  const half = net.connect(port, '127.0.0.1');
  half.end('P');
  half.resume();
  await once(half, 'close');
  expect(await byHttp2('still')).toBe('2 still');
  endHttp2();
  silent.resume();
  await once(silent, 'close');
});
