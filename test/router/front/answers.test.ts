import type { ClientResponse } from '../../../runtime/router/front/client-response.ts';
import { request } from '../../support/raw-client.ts';
import { answer, startTestFront } from '../../support/test-front.ts';

/** A front whose relay answers with what `say` says, and a client of it. */
async function startSaying(say: (response: ClientResponse) => void) {
  const front = await startTestFront({ relay: (_request, response) => say(response) });
  const client = front.connect();
  return {
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await front[Symbol.asyncDispose]();
    },
  };
}

test('a body without a length goes in chunks to HTTP/1.1', async () => {
  await using said = await startSaying((response) => {
    response.writeHead(200, 'OK', ['x-a', 'b']);
    response.write(Buffer.from('one'));
    response.write(Buffer.alloc(20_000, 'x'));
    response.end(Buffer.from('two'));
  });
  const { headers, body } = await said.client.send(request('POST', '/relay')).answer();
  expect(headers).toEqual({ 'x-a': 'b', 'transfer-encoding': 'chunked' });
  expect(body.toString()).toBe(`one${'x'.repeat(20_000)}two`);
});

test('a body without a length ends with the connection to HTTP/1.0', async () => {
  await using said = await startSaying((response) => {
    response.writeHead(200, 'OK', []);
    response.write(Buffer.from('one'));
    response.end(Buffer.from('two'));
  });
  said.client.send('POST /relay HTTP/1.0\r\nconnection: keep-alive\r\n\r\n');
  expect(await said.client.over()).toBe('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nonetwo');
});

test('HTTP/1.0 keeps its connection where it asks for it and the length is known', async () => {
  await using said = await startSaying((response) => answer(response, 'hi'));
  const old = 'POST /relay HTTP/1.0\r\nconnection: keep-alive\r\n\r\n';
  for (const { headers, body } of await said.client.send(old + old).answers(2)) {
    expect(headers['connection']).toBe('keep-alive');
    expect(body.toString()).toBe('hi');
  }
  said.client.send('POST /relay HTTP/1.0\r\n\r\n');
  expect((await said.client.answer()).headers['connection']).toBe('close');
  expect(await said.client.over()).toBe('');
});

test('an empty piece does not end an answer in chunks', async () => {
  await using said = await startSaying((response) => {
    response.writeHead(200, 'OK', []);
    response.write(Buffer.alloc(0));
    response.write(Buffer.from('a'));
    response.write(Buffer.alloc(0));
    response.end(Buffer.alloc(0));
  });
  expect((await said.client.send(request('POST', '/relay')).answer()).body.toString()).toBe('a');
  expect(said.client.rest).toHaveLength(0);
});

test('a HEAD request gets no body, which would be read as the next answer', async () => {
  await using said = await startSaying((response) => answer(response, 'not for you'));
  said.client.send(request('HEAD', '/relay') + request('HEAD', '/relay'));
  for (let i = 0; i < 2; i++) expect((await said.client.answer(true)).headers['content-length']).toBe('11');
  said.client.send(request('POST', '/relay'));
  expect((await said.client.answer()).body.toString()).toBe('not for you');
});

test.each([204, 304])('a %d has no body, whatever the engine said of one', async (status) => {
  await using said = await startSaying((response) => {
    response.writeHead(status, 'X', ['content-length', '5']);
    response.end(Buffer.from('12345'));
  });
  said.client.send(request('POST', '/relay') + request('POST', '/relay'));
  for (const { headers } of await said.client.answers(2)) {
    expect([headers['content-length'], headers['transfer-encoding']]).toEqual(['5', undefined]);
  }
  expect(said.client.rest).toHaveLength(0);
});

test.each([
  ['shorter', 'abc'],
  ['longer', 'abcdefgh'],
])(
  'a body that is %s than was announced cuts the connection instead of shifting the next answer',
  async (_is, body) => {
    await using said = await startSaying((response) => {
      response.writeHead(200, 'OK', ['content-length', '5']);
      response.write(Buffer.from('ab'));
      response.end(Buffer.from(body.slice(2)));
    });
    const text = await said.client.send(request('POST', '/relay') + request('POST', '/relay')).over();
    expect(text.split('HTTP/1.1')).toHaveLength(2);
    expect(text.split('\r\n\r\n')[1]!.length).toBeLessThanOrEqual(5);
  },
);

test('an answer to HTTP/1.0 that breaks off is a reset, since a close would look like its end', async () => {
  await using said = await startSaying((response) => {
    response.writeHead(200, 'OK', []);
    response.write(Buffer.from('half'));
    setImmediate(() => response.destroy());
  });
  const errors: string[] = [];
  said.client.socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code!));
  await said.client.send('POST /relay HTTP/1.0\r\n\r\n').over();
  expect(errors).toEqual(['ECONNRESET']);
});

test('what a client does not read is not taken for sent', async () => {
  const { promise: closed, resolve } = Promise.withResolvers<boolean>();
  await using said = await startSaying((response) => {
    response.once('close', () => resolve(response.isFinished));
    response.writeHead(200, 'OK', []);
    response.end(Buffer.alloc(32 * 1024 * 1024));
  });
  said.client.socket.pause();
  said.client.send(request('POST', '/relay'));
  said.client.socket.once('readable', () => said.client.socket.resetAndDestroy());
  expect(await closed).toBe(false);
});

test('a client that reads slowly holds its answer back, one drain at a time', async () => {
  const { promise: sent, resolve } = Promise.withResolvers<number>();
  const piece = Buffer.alloc(64 * 1024, 'x');
  await using said = await startSaying((response) => {
    let drains = 0;
    let left = 400;
    const more = () => {
      while (left-- > 0) if (!response.write(piece)) return;
      response.end();
      resolve(drains);
    };
    response.on('drain', () => {
      drains++;
      more();
    });
    response.writeHead(200, 'OK', []);
    more();
  });
  said.client.socket.pause();
  said.client.send(request('POST', '/relay'));
  setImmediate(() => said.client.socket.resume());
  expect((await said.client.answer()).body).toHaveLength(400 * piece.length);
  expect(await sent).toBeGreaterThan(0);
});
