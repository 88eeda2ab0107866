import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { eventually } from '../../support/eventually.ts';
import { RawClient, request } from '../../support/raw-client.ts';
import { type SeenRequest, sendJson, startScriptedEngine } from '../../support/scripted-engine.ts';
import { startSocketEngine } from '../../support/scripted-socket-engine.ts';
import { startTestRouter } from '../../support/test-router.ts';

const mebibyte = 1024 * 1024;
const sizes = [0, 1, 16_383, 16_384, 16_385, 65_536, mebibyte - 1, mebibyte, mebibyte + 1, 5_000_000];
const ways = ['counted, at once', 'counted, dribbled', 'chunked, at once', 'chunked, dribbled'] as const;
const roomy = { maxBodyBytes: 8 * mebibyte, policy: 'round-robin' } as const;

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

// Jest looks globals up in another realm, which is slow for every byte.
const { imul } = Math;

/** Bytes that no other body of a test has at the same places. */
function bodyOf(seed: number, size: number): Buffer {
  const body = Buffer.alloc(size);
  let state = seed * 2_654_435_761 + 1;
  for (let i = 0; i < size; i++) {
    state = (imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    body[i] = state >>> 24;
  }
  return body;
}

function head(id: number, framing: string): string {
  return `POST /encode HTTP/1.1\r\nhost: router\r\nx-id: ${id}\r\n${framing}\r\n\r\n`;
}

async function send(client: RawClient, id: number, body: Buffer, way: (typeof ways)[number]): Promise<void> {
  const pieces: Buffer[] = [];
  const step = way.endsWith('dribbled') ? Math.max(1, Math.ceil(body.length / 37)) : Math.max(1, body.length);
  for (let at = 0; at < body.length; at += step) pieces.push(body.subarray(at, at + step));
  if (way.startsWith('counted')) client.send(head(id, `content-length: ${body.length}`));
  else client.send(head(id, 'transfer-encoding: chunked'));
  for (const piece of pieces) {
    if (way.startsWith('chunked'))
      client
        .send(`${piece.length.toString(16)}\r\n`)
        .send(piece)
        .send('\r\n');
    else client.send(piece);
    if (way.endsWith('dribbled')) await new Promise(setImmediate);
  }
  if (way.startsWith('chunked')) client.send('0\r\n\r\n');
}

const idOf = ({ request }: SeenRequest) => Number(request.headers['x-id']);

test.each(ways)('bodies of every size reach their engines byte for byte, many at a time: %s', async (way) => {
  const digest = (seen: SeenRequest) => `${idOf(seen)} ${hashOf(seen.body)}`;
  await using first = await startScriptedEngine((response, seen) => sendJson(response, digest(seen)));
  await using second = await startScriptedEngine((response, seen) => sendJson(response, digest(seen)));
  await using router = await startTestRouter({ ...roomy, workerUrls: [first.url, second.url] });
  let id = 0;
  await Promise.all(
    Array.from({ length: 4 }, async (_, lane) => {
      using client = RawClient.to(router.url);
      for (let i = 0; i < sizes.length; i++) {
        const own = ++id;
        const body = bodyOf(own, sizes[(i + 3 * lane) % sizes.length]!);
        await send(client, own, body, way);
        expect(JSON.parse((await client.answer()).body.toString())).toBe(`${own} ${hashOf(body)}`);
      }
    }),
  );
});

/** Answers at every head, before it reads the body; notes each body, complete or not. */
function answerAtOnce(bodies: Map<number, Buffer>) {
  return (socket: Socket, sofar: Buffer) => {
    let held = Buffer.alloc(0);
    let isAnswered = false;
    const take = (bytes: Buffer) => {
      held = Buffer.concat([held, bytes]);
      for (let end = held.indexOf('\r\n\r\n'); end >= 0; end = held.indexOf('\r\n\r\n')) {
        if (!isAnswered) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        const head = held.toString('latin1', 0, end);
        const bodyEnd = end + 4 + Number(/content-length: (\d+)/.exec(head)![1]);
        bodies.set(Number(/x-id: (\d+)/.exec(head)![1]), held.subarray(end + 4, bodyEnd));
        isAnswered = held.length < bodyEnd;
        if (isAnswered) return;
        held = held.subarray(bodyEnd);
      }
    };
    take(sofar);
    socket.on('data', (bytes) => {
      take(bytes);
      socket.pause();
      setTimeout(() => socket.resume(), 2);
    });
  };
}

test('an engine that answers before it has read the body does not let another request have its memory', async () => {
  const received = new Map<number, Buffer>();
  await using engine = await startSocketEngine(answerAtOnce(received));
  await using router = await startTestRouter({ ...roomy, workerUrls: [engine.url] });
  const bodies = Array.from({ length: 15 }, (_, id) => bodyOf(id, 3_000_000));
  using client = RawClient.to(router.url);
  for (const [id, body] of bodies.entries()) {
    await send(client, id, body, 'counted, at once');
    expect((await client.answer()).body.toString()).toBe('ok');
  }
  // The router drops a connection on which it could not send all, but what came is the request's own.
  const differing = bodies.filter((body, id) => !received.get(id)?.equals(body.subarray(0, received.get(id)!.length)));
  expect(differing).toHaveLength(0);
});

test('a connection on which the engine has not read its request is not used for the next one', async () => {
  await using engine = await startSocketEngine((socket) => {
    socket.pause();
    socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno');
  });
  await using router = await startTestRouter({ ...roomy, workerUrls: [engine.url] });
  using client = RawClient.to(router.url);
  for (let id = 0; id < 4; id++) {
    await send(client, id, bodyOf(id, 7_000_000), 'counted, at once');
    expect((await client.answer()).status).toBe(413);
  }
  expect(engine.seen).toHaveLength(4);
});

test('an engine that dies in the middle of a body hands the same bytes to the next', async () => {
  const seen = new Map<number, string>();
  await using dying = await startSocketEngine((socket) => {
    let left = 300_000;
    socket.on('data', (bytes) => {
      left -= bytes.length;
      if (left < 0) socket.resetAndDestroy();
    });
  });
  await using healthy = await startScriptedEngine((response, request) => {
    seen.set(idOf(request), hashOf(request.body));
    response.end('ok');
  });
  await using router = await startTestRouter({ ...roomy, workerUrls: [dying.url, healthy.url] });
  await Promise.all(
    Array.from({ length: 12 }, async (_, id) => {
      const body = bodyOf(id, 700_000 + 300_000 * (id % 3));
      using client = RawClient.to(router.url);
      for (let round = 0; round < 3; round++) {
        await send(client, 100 * round + id, body, ways[id % ways.length]!);
        expect((await client.answer()).status).toBe(200);
        expect(seen.get(100 * round + id)).toBe(hashOf(body));
      }
    }),
  );
  expect(dying.seen.length).toBeGreaterThan(0);
});

test('a body that is still being written after its client left is not overwritten by those of others', async () => {
  const parts: Buffer[] = [];
  const { promise: mayRead, resolve: letRead } = Promise.withResolvers<void>();
  await using engine = await startSocketEngine((socket, sofar) => {
    parts.push(sofar);
    socket.pause();
    socket.on('data', (bytes) => parts.push(bytes));
    void mayRead.then(() => socket.resume());
  });
  await using router = await startTestRouter({ ...roomy, workerUrls: [engine.url] });
  const post = (body: string) => request('POST', '/v1/chat/completions', body, ['content-type: application/json']);
  // As large as a body may be and its buffer still be kept: kernels take most of it, and the rest is what matters.
  const body = `{"model":"scripted","messages":["${'first '.repeat(699_000)}"]}`;
  using leaving = RawClient.to(router.url).send(post(body));
  await eventually(() => expect(engine.seen).toHaveLength(1));
  leaving.socket.destroy();
  await eventually(() => expect(engine.aborts).toBe(1));
  using other = RawClient.to(router.url);
  for (let i = 0; i < 5; i++) expect((await other.send(post('second '.repeat(599_100))).answer()).status).toBe(400);
  letRead();
  await eventually(() => expect(Buffer.concat(parts).toString()).toContain('first "]}'));
  expect(Buffer.concat(parts).toString()).not.toContain('second');
});
