import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { RawClient, request } from '../../support/raw-client.ts';
import { startTestFront } from '../../support/test-front.ts';

const fixture = (name: string) => readFile(path.resolve(import.meta.dirname, '../../fixtures/tls', name), 'utf8');

async function startTlsFront() {
  const front = await startTestFront({ tls: { cert: await fixture('first.pem'), key: await fixture('first.key') } });
  const { port } = front.front.address;
  return {
    port,
    connect: () => new RawClient(tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false })),
    [Symbol.asyncDispose]: front[Symbol.asyncDispose],
  };
}

test('relay and control surface are served over TLS, large bodies and answers too', async () => {
  await using front = await startTlsFront();
  using client = front.connect();
  for (const size of [0, 1, 16_384, 3_000_000]) {
    const body = 'y'.repeat(size);
    client.send(request('POST', '/relay', body) + request('GET', '/health'));
    const [echoed, health] = await client.answers(2);
    expect([echoed!.body.toString() === body, health!.body.toString()]).toEqual([true, 'control']);
  }
});

test('a client that speaks plain HTTP to a TLS port harms nobody', async () => {
  await using front = await startTlsFront();
  using plain = RawClient.to(`http://127.0.0.1:${front.port}`);
  await plain.send(request('GET', '/')).over();
  using client = front.connect();
  expect((await client.send(request('GET', '/')).answer()).status).toBe(200);
});

test('a client that never shakes hands does not hold up the end', async () => {
  const front = await startTlsFront();
  const silent = net.connect(front.port, '127.0.0.1');
  using busy = front.connect();
  await busy.send(request('GET', '/')).answer();
  if (silent.connecting) await once(silent, 'connect');
  const gone = once(silent, 'close');
  silent.resume().on('error', () => {});
  await front[Symbol.asyncDispose]();
  await gone;
});
