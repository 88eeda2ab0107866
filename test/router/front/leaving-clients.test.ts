import { once } from 'node:events';
import type net from 'node:net';
import { eventually } from '../../support/eventually.ts';
import { RawClient, request } from '../../support/raw-client.ts';
import { startScriptedEngine } from '../../support/scripted-engine.ts';
import { startTestFront } from '../../support/test-front.ts';
import { startTestRouter } from '../../support/test-router.ts';

const chat = '/v1/chat/completions';
const streamed = JSON.stringify({ model: 'scripted', messages: [], stream: true, pad: 'x'.repeat(100_000) });
const whole = request('POST', chat, streamed, ['content-type: application/json']);
/** Little enough that it is read ahead: a connection that is not read does not tell that its client left. */
const short = request('POST', chat, '{"messages":[]}', ['content-type: application/json']);
const bodyAt = whole.indexOf('\r\n\r\n') + 4;

const stages: readonly [string, string][] = [
  ['having connected', ''],
  ['half a request line', whole.slice(0, 10)],
  ['half a head', whole.slice(0, bodyAt - 5)],
  ['a head', whole.slice(0, bodyAt)],
  ['half a body', whole.slice(0, bodyAt + 50_000)],
  ['half a chunk', `POST ${chat} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nffff\r\nabc`],
  ['a request', whole],
  ['two requests and a half', whole + short + short.slice(0, -5)],
  [
    'half a request to the control surface',
    'POST /api/internal/runners/register HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{',
  ],
];

const leave = {
  closes: (socket: net.Socket) => socket.destroySoon(),
  resets: (socket: net.Socket) => socket.resetAndDestroy(),
  'half-closes': (socket: net.Socket) => socket.end(),
};

test.each(Object.entries(leave))('a client that %s at any stage leaves nothing behind', async (_how, go) => {
  await using engine = await startScriptedEngine((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {}\n\n'); // And never ends.
  });
  await using router = await startTestRouter({ workerUrls: [engine.url] });
  for (const [, bytes] of stages) {
    using client = RawClient.to(router.url);
    await once(client.socket, 'connect');
    if (bytes === '') go(client.socket);
    else client.socket.write(bytes, () => go(client.socket));
    await client.over();
  }
  // Both streams that began were aborted, and no count stayed up.
  await eventually(async () => {
    const [worker] = (await router.fleet()).workers;
    expect(worker).toMatchObject({ inFlightRequests: 0, inFlightTokens: 0, state: 'ready' });
  });
  using next = RawClient.to(router.url);
  expect((await next.send(request('GET', '/health')).answer()).status).toBe(200);
  expect(router.logged.filter(({ msg }) => msg === 'relay failed')).toEqual([]);
});

test('a client that leaves in the middle of an answer stops its engine', async () => {
  await using engine = await startScriptedEngine((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {}\n\n');
  });
  await using router = await startTestRouter({ workerUrls: [engine.url] });
  using client = RawClient.to(router.url).send(whole);
  await once(client.socket, 'data');
  client.socket.resetAndDestroy();
  await eventually(() => expect(engine.aborted).toHaveLength(1));
});

test('a client that leaves while it waits for a worker is not kept', async () => {
  await using router = await startTestRouter({ holdSeconds: 60, drainSeconds: 60 });
  using client = RawClient.to(router.url).send(whole);
  await eventually(async () => expect(await router.metrics()).toMatch(/held\S* 1\n/));
  client.socket.destroy();
  await eventually(async () => expect(await router.metrics()).toMatch(/held\S* 0\n/));
});

test('the front closes at once, whatever its connections are doing', async () => {
  const front = await startTestFront({ relay: () => {}, control: () => {} });
  const clients = stages.map(([, bytes]) => front.connect().send(bytes.replaceAll(chat, '/relay')));
  const settled = front.connect();
  await once(settled.socket, 'connect');
  await Promise.all(clients.map(async ({ socket }) => socket.connecting && once(socket, 'connect')));
  await front[Symbol.asyncDispose]();
  await Promise.all(clients.map((client) => client.over()));
  await settled.over();
});
