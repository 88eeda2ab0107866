import { once } from 'node:events';
import { request } from '../../support/raw-client.ts';
import { answer, startTestFront } from '../../support/test-front.ts';

test('a connection that asks nothing is closed without a word', async () => {
  await using front = await startTestFront({ timeouts: { idleMs: 1 } });
  using silent = front.connect();
  expect(await silent.over()).toBe('');
});

test('empty lines do not keep a connection open', async () => {
  await using front = await startTestFront({ timeouts: { idleMs: 1, headMs: 60_000 } });
  using client = front.connect();
  expect(await client.send('\r\n').send('\r\n\r\n').over()).toBe('');
});

test('an empty line behind a request does not shorten the time to the next one', async () => {
  await using front = await startTestFront({ timeouts: { headMs: 1 } });
  using client = front.connect();
  await client.send(`${request('POST', '/relay')}\r\n`).answer();
  using slow = front.connect();
  await slow.send('POST').over(); // By then the deadlines have been looked at.
  expect(client.isOver).toBe(false);
  expect((await client.send(request('POST', '/relay')).answer()).status).toBe(200);
});

test.each([
  ['at first', ''],
  ['behind a request to the relay', request('POST', '/relay')],
  ['behind a request to the control surface', request('GET', '/health')],
])('a head that does not end is answered with 408, %s', async (_when, before) => {
  await using front = await startTestFront({ timeouts: { headMs: 1 } });
  using client = front.connect();
  if (before !== '') await client.send(before).answer();
  client.send('POST /relay HTTP/1.1\r\nhost: a\r\nx-slow:');
  const { status, headers } = await client.answer();
  expect([status, headers['connection']]).toEqual([408, 'close']);
});

test('a body that does not come is answered with 408, and the relay is told', async () => {
  const { promise: failure, reject } = Promise.withResolvers<never>();
  await using front = await startTestFront({
    timeouts: { bodyMs: 1 },
    relay: (asked) => void Promise.resolve(asked.readBody(100)).catch(reject),
  });
  using client = front.connect();
  client.send('POST /relay HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345');
  expect((await client.answer()).status).toBe(408);
  await expect(failure).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' });
});

test('a body for the control surface that does not come ends its connection', async () => {
  await using front = await startTestFront({
    timeouts: { bodyMs: 1 },
    control: (incoming, response) => incoming.resume().on('end', () => response.end()),
  });
  using client = front.connect();
  client.send('POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345');
  expect(await client.over()).toBe('');
});

test('a request that is being worked on has all the time it needs', async () => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>();
  await using front = await startTestFront({
    timeouts: { idleMs: 1, headMs: 1, bodyMs: 1, lingerMs: 1 },
    relay: (_request, response) => void mayAnswer.then(() => answer(response, 'at last')),
  });
  using client = front.connect();
  client.send(request('POST', '/relay', 'x'));
  using other = front.connect();
  await other.over(); // By then the deadlines have been looked at.
  letAnswer();
  expect((await client.answer()).body.toString()).toBe('at last');
});

test('a client that goes on sending what was refused is cut after a while', async () => {
  await using front = await startTestFront({
    timeouts: { lingerMs: 1 },
    relay: (_request, response) => answer(response, 'no', 401),
  });
  using client = front.connect();
  client.send('POST /relay HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nsome');
  expect((await client.answer()).status).toBe(401);
  if (!client.socket.closed) await once(client.socket, 'end');
});
