import { RawClient, request } from '../../support/raw-client.ts';
import { startScriptedEngine } from '../../support/scripted-engine.ts';
import { startTestRouter } from '../../support/test-router.ts';

const chat = '/v1/chat/completions';
const json = ['content-type: application/json'];
const question = '{"model":"scripted","messages":[]}';

async function start() {
  const engine = await startScriptedEngine();
  const router = await startTestRouter({ workerUrls: [engine.url], maxBodyBytes: 100_000 });
  const client = RawClient.to(router.url);
  return {
    engine,
    router,
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await router[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

const codeOf = (body: Buffer) => (JSON.parse(body.toString()) as { error: { code: string } }).error.code;

test.each([
  ['counted', 'content-length: 50000000'],
  ['chunked', 'transfer-encoding: chunked'],
])('a client that is still sending a huge %s body can read why it was refused', async (way, framing) => {
  await using fleet = await start();
  fleet.client.send(`POST ${chat} HTTP/1.1\r\nhost: a\r\n${framing}\r\n\r\n`);
  const piece = Buffer.alloc(100_000, 'x');
  for (let i = 0; i < 500; i++) {
    if (way === 'chunked')
      fleet.client
        .send(`${piece.length.toString(16)}\r\n`)
        .send(piece)
        .send('\r\n');
    else fleet.client.send(piece);
  }
  if (way === 'chunked') fleet.client.send('0\r\n\r\n');
  const { status, body } = await fleet.client.answer();
  expect([status, codeOf(body)]).toEqual([413, 'BODY_TOO_LARGE']);
  // And the connection is good for another request.
  expect((await fleet.client.send(request('POST', chat, question, json)).answer()).status).toBe(200);
});

test('a body that turns bad after its request was refused gets no second answer', async () => {
  await using fleet = await start();
  fleet.client.send(`GET ${chat} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`);
  expect((await fleet.client.answer()).status).toBe(405);
  expect(await fleet.client.send('garbage\r\n').over()).toBe('');
});

test('a body that turns bad before its request was answered is refused, and no engine sees it', async () => {
  await using fleet = await start();
  fleet.client.send(`POST ${chat} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\ngarbage\r\n`);
  const { status, body, headers } = await fleet.client.answer();
  expect([status, codeOf(body), headers['connection']]).toEqual([400, 'BAD_HTTP_REQUEST', 'close']);
  expect(await fleet.client.over()).toBe('');
  expect(fleet.engine.seen).toEqual([]);
});

test.each([
  ['a length beside chunks', `content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['two lengths', `content-length: 0\r\ncontent-length: 60\r\n\r\n`],
  ['a hidden length', `content-length : 60\r\ncontent-length: 0\r\n\r\n`],
  ['a folded length', `x: y\r\n content-length: 60\r\n\r\n`],
])('%s does not smuggle a request, to the relay nor to the control surface', async (_what, rest) => {
  await using fleet = await start();
  for (const path of [chat, '/health']) {
    using client = RawClient.to(fleet.router.url);
    client.send(`POST ${path} HTTP/1.1\r\nhost: a\r\n${rest}${request('POST', '/generate', question)}`);
    expect((await client.answer()).status).toBe(400);
    expect(await client.over()).toBe('');
  }
  expect(fleet.engine.seen).toEqual([]);
});

test.each(['GET', 'HEAD', 'OPTIONS', 'DELETE', 'BREW'])(
  '%s on a path of the relay: 405, and the connection stays',
  async (method) => {
    await using fleet = await start();
    fleet.client.send(request(method, chat) + request('POST', chat, question, json));
    const { status, headers } = await fleet.client.answer(method === 'HEAD');
    expect([status, headers['allow']]).toEqual([405, 'POST']);
    expect((await fleet.client.answer()).status).toBe(200);
  },
);

test.each([
  ['absolute form', 'http://router/v1/chat/completions', 404],
  ['a fragment', '/v1/chat/completions#x', 404],
  ['an asterisk', '*', 404],
  ['a broken escape', '/%zz', 400],
])('a target in %s is answered by the control surface', async (_what, target, status) => {
  await using fleet = await start();
  expect((await fleet.client.send(request('POST', target)).answer()).status).toBe(status);
  expect((await fleet.client.send(request('GET', '/health')).answer()).status).toBe(200);
});

test('a method that Node does not know is refused by the control surface, and the router lives', async () => {
  await using fleet = await start();
  expect((await fleet.client.send(request('BREW', '/health')).answer()).status).toBe(400);
  await fleet.client.over();
  using next = RawClient.to(fleet.router.url);
  expect((await next.send(request('GET', '/health')).answer()).status).toBe(200);
});

describe('Expect: 100-continue', () => {
  const expecting = (length: number) =>
    `POST ${chat} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;

  test('a client that waits is told to go on, and then answered', async () => {
    await using fleet = await start();
    expect((await fleet.client.send(expecting(question.length)).answer()).status).toBe(100);
    expect((await fleet.client.send(question).answer()).status).toBe(200);
    expect(fleet.engine.seen[0]!.request.headers).not.toHaveProperty('expect');
  });

  test('a client that does not wait is answered', async () => {
    await using fleet = await start();
    fleet.client.send(expecting(question.length) + question);
    expect((await fleet.client.answer()).status).toBe(200);
  });

  test('a client that waits is refused without having sent its body', async () => {
    await using fleet = await start();
    const { status, headers } = await fleet.client.send(expecting(200_000)).answer();
    expect([status, headers['connection']]).toEqual([413, 'close']);
    expect(await fleet.client.over()).toBe('');
  });

  test('a client that does not wait can read its refusal', async () => {
    await using fleet = await start();
    fleet.client.send(expecting(5_000_000)).send(Buffer.alloc(5_000_000));
    expect((await fleet.client.answer()).status).toBe(413);
  });

  test('on the control surface', async () => {
    await using fleet = await start();
    const head = expecting(2).replace(chat, '/api/internal/runners/heartbeat');
    expect((await fleet.client.send(head).answer()).status).toBe(100);
    expect((await fleet.client.send('{}').answer()).status).toBe(400);
    expect((await fleet.client.send(request('GET', '/health')).answer()).status).toBe(200);
  });
});
