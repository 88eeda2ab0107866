import { request } from '../../support/raw-client.ts';
import { answer, startTestFront } from '../../support/test-front.ts';

const relayed = (body: string) => request('POST', '/relay', body);
const controlled = (path: string) => request('GET', path);
const echoPath = {
  control: (incoming: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) =>
    void response.end(incoming.url),
};

test('one connection may alternate between relay and control surface', async () => {
  await using front = await startTestFront(echoPath);
  using client = front.connect();
  for (let i = 0; i < 20; i++) {
    expect((await client.send(relayed(`b${i}`)).answer()).body.toString()).toBe(`b${i}`);
    expect((await client.send(controlled(`/c${i}`)).answer()).body.toString()).toBe(`/c${i}`);
  }
});

test('thousands of requests sent ahead, mixed, are answered in their order', async () => {
  await using front = await startTestFront(echoPath);
  using client = front.connect();
  const expected = Array.from({ length: 6_000 }, (_, i) => (i % 3 === 0 ? `/c${i}` : `b${i}`.padEnd(i % 50, '.')));
  client.send(expected.map((text) => (text.startsWith('/') ? controlled(text) : relayed(text))).join(''));
  const answers = await client.answers(expected.length);
  expect(answers.map(({ body }) => body.toString())).toEqual(expected);
});

test('thousands of requests that are answered at once do not make a deep stack', async () => {
  await using front = await startTestFront({ relay: (_request, response) => answer(response, 'no', 401) });
  using client = front.connect();
  client.send(relayed('x').repeat(20_000));
  const answers = await client.answers(20_000);
  expect(answers.every(({ status }) => status === 401)).toBe(true);
});

test('the next request is not begun before the answer to the last has left', async () => {
  const begun: string[] = [];
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>();
  await using front = await startTestFront({
    relay: (asked, response) => {
      begun.push(asked.head.target);
      void mayAnswer.then(() => answer(response, 'x'));
    },
    control: (incoming, response) => {
      begun.push(incoming.url!);
      response.end();
    },
  });
  using client = front.connect();
  using witness = front.connect();
  client.send(request('POST', '/relay/1') + controlled('/2') + request('POST', '/relay/3'));
  await witness.send(controlled('/witness')).answer();
  expect(begun.filter((target) => target !== '/witness')).toEqual(['/relay/1']);
  letAnswer();
  await client.answers(3);
  expect(begun.filter((target) => target !== '/witness')).toEqual(['/relay/1', '/2', '/relay/3']);
});

test('a client that sends ahead without end is not read until its turn comes', async () => {
  const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>();
  await using front = await startTestFront({
    relay: (_request, response) => void mayAnswer.then(() => answer(response, 'x')),
  });
  using client = front.connect();
  const ahead = request('POST', '/relay', 'y'.repeat(1_000));
  client.send(ahead.repeat(20_000)); // 20 MB: more than the kernel keeps for two sockets.
  using witness = front.connect();
  for (let i = 0; i < 100; i++) await witness.send(controlled('/')).answer();
  expect(client.socket.writableLength).toBeGreaterThan(0);
  letAnswer();
  await client.answers(20_000);
});

test('an expectation that nobody knows does not stop the connection', async () => {
  await using front = await startTestFront(echoPath);
  using client = front.connect();
  client.send(request('GET', '/a', '', ['expect: 200-maybe']) + controlled('/b') + relayed('c'));
  expect((await client.answers(3)).map(({ body }) => body.toString())).toEqual(['/a', '/b', 'c']);
});

test('an upgrade that nobody offers is answered as an ordinary request, and the next one too', async () => {
  await using front = await startTestFront(echoPath);
  using client = front.connect();
  const upgrade = ['connection: upgrade', 'upgrade: websocket'];
  client.send(request('GET', '/a', '', upgrade) + request('POST', '/relay', 'b', upgrade) + controlled('/c'));
  expect((await client.answers(3)).map(({ body }) => body.toString())).toEqual(['/a', 'b', '/c']);
});

test('the control surface closes where the client asks for it', async () => {
  await using front = await startTestFront(echoPath);
  using client = front.connect();
  client.send(request('GET', '/a', '', ['connection: close']) + controlled('/b'));
  expect((await client.answer()).headers['connection']).toBe('close');
  expect(await client.over()).toBe('');
});

test('the control surface announces no idle time of its own', async () => {
  await using front = await startTestFront(echoPath);
  using client = front.connect();
  expect((await client.send(controlled('/a')).answer()).headers).not.toHaveProperty('keep-alive');
});

test('a body of the control surface that is read slowly stops the client, and comes whole', async () => {
  const bytes = 30_000_000;
  await using front = await startTestFront({
    control: (incoming, response) => {
      let read = 0;
      incoming.on('data', (piece: Buffer) => {
        read += piece.length;
        incoming.pause();
        setImmediate(() => incoming.resume());
      });
      incoming.on('end', () => response.end(String(read)));
    },
  });
  using client = front.connect();
  client.send(request('POST', '/x', 'z'.repeat(bytes)) + relayed('after'));
  expect((await client.answers(2)).map(({ body }) => body.toString())).toEqual([String(bytes), 'after']);
});

test('a long answer of the control surface waits for a client that reads slowly', async () => {
  await using front = await startTestFront({
    control: (_incoming, response) => void response.end('z'.repeat(30_000_000)),
  });
  using client = front.connect();
  client.socket.pause();
  client.send(controlled('/x') + relayed('after'));
  setImmediate(() => client.socket.resume());
  expect((await client.answer()).body).toHaveLength(30_000_000);
  expect((await client.answer()).body.toString()).toBe('after');
});
