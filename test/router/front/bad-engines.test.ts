import { RawClient, request } from '../../support/raw-client.ts';
import { startSocketEngine } from '../../support/scripted-socket-engine.ts';
import { startTestRouter } from '../../support/test-router.ts';

/** What a client gets of an engine that answers with exactly `bytes` and closes. */
async function throughRouter(bytes: string) {
  const engine = await startSocketEngine((socket) => socket.end(Buffer.from(bytes, 'latin1')));
  const router = await startTestRouter({ workerUrls: [engine.url], holdSeconds: 0.1 });
  const client = RawClient.to(router.url);
  client.send(request('POST', '/encode', 'x'));
  return {
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await router[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

test.each([
  ['both lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
  ['a coding that nobody asked for', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
  ['white space before a colon', 'HTTP/1.1 200 OK\r\ntransfer-encoding : chunked\r\ncontent-length: 2\r\n\r\nok'],
  ['a folded header', 'HTTP/1.1 200 OK\r\nx: y\r\n set-cookie: a=b\r\ncontent-length: 2\r\n\r\nok'],
  ['a bare line feed in a header', 'HTTP/1.1 200 OK\r\nx: y\nset-cookie: a=b\r\ncontent-length: 2\r\n\r\nok'],
  ['a bare carriage return in its reason', 'HTTP/1.1 200 O\rset-cookie: a=b\r\ncontent-length: 2\r\n\r\nok'],
])('an engine that sends %s is not passed on', async (_what, bytes) => {
  await using fleet = await throughRouter(bytes);
  expect((await fleet.client.answer()).status).toBe(502);
});

test('a length that an engine says twice is said once', async () => {
  await using fleet = await throughRouter('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok');
  const { headers, body } = await fleet.client.answer();
  expect([headers['content-length'], body.toString()]).toEqual(['2', 'ok']);
});

test.each([
  ['of a known length', 'content-length: 300000\r\n\r\nhalf'],
  ['in chunks', 'transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n'],
])('an answer %s that ends early is cut, so that nobody takes it for whole', async (_way, rest) => {
  await using fleet = await throughRouter(`HTTP/1.1 200 OK\r\n${rest}`);
  await expect(fleet.client.answer()).rejects.toThrow('The connection ended');
});

test('a short answer that ends early is an error, not a half', async () => {
  await using fleet = await throughRouter('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
  const { status, body } = await fleet.client.answer();
  expect([status, JSON.parse(body.toString()).error.code]).toEqual([502, 'ENGINE_UNREACHABLE']);
});

test('an event stream that announced its length and breaks off does not grow by an error event', async () => {
  const events = 'data: {}\n\n';
  await using fleet = await throughRouter(
    `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 100\r\n\r\n${events}`,
  );
  const text = await fleet.client.over();
  expect(text.split('\r\n\r\n')[1]!.length).toBeLessThanOrEqual(100);
  expect(text.split('HTTP/1.1')).toHaveLength(2);
});

test.each([204, 304])('a %d passes, and the connection is good for more', async (status) => {
  await using fleet = await throughRouter(`HTTP/1.1 ${status} X\r\ncontent-length: 5\r\n\r\n`);
  expect((await fleet.client.answer()).status).toBe(status);
  expect((await fleet.client.send(request('GET', '/health')).answer()).status).toBe(200);
});
