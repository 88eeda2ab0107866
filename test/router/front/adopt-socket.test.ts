import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { adoptSocket } from '../../../runtime/router/front/adopt-socket.ts';
import { eventually } from '../../support/eventually.ts';

/** A server whose connections are adopted; `hide` takes from handles what the fast way needs. */
async function startServer(hide = false) {
  const memories: ArrayBufferLike[] = [];
  const pairs: { accepted: net.Socket; adopted: net.Socket }[] = [];
  let text = '';
  const server = net.createServer({ pauseOnConnect: true }, (accepted) => {
    const handle = (accepted as unknown as { _handle: object })._handle;
    if (hide) Object.defineProperty(handle, 'useUserBuffer', { value: undefined });
    const adopted = adoptSocket(accepted, (bytes) => {
      memories.push(bytes.buffer);
      text += bytes.toString();
      adopted.write(bytes.toString().toUpperCase());
    });
    adopted.on('end', () => adopted.destroy());
    pairs.push({ accepted, adopted });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    memories,
    pairs,
    connect: () => net.connect((server.address() as AddressInfo).port, '127.0.0.1'),
    text: () => text,
    async [Symbol.asyncDispose]() {
      for (const { adopted } of pairs) adopted.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function talk(server: Awaited<ReturnType<typeof startServer>>, said: string): Promise<string> {
  const client = server.connect();
  client.write(said);
  const [heard] = (await once(client, 'data')) as [Buffer];
  client.destroy();
  return heard.toString();
}

test('accepted sockets read into one shared buffer on this version of Node', async () => {
  await using server = await startServer();
  expect(await talk(server, 'one')).toBe('ONE');
  expect(await talk(server, 'two')).toBe('TWO');
  for (const { accepted, adopted } of server.pairs) expect(adopted).not.toBe(accepted);
  expect(server.memories).toHaveLength(2);
  expect(server.memories[0]!.byteLength).toBe(64 * 1024);
  expect(server.memories[1]).toBe(server.memories[0]);
});

test('a handle that cannot do it is read in the ordinary way', async () => {
  await using server = await startServer(true);
  expect(await talk(server, 'one')).toBe('ONE');
  expect(await talk(server, 'two')).toBe('TWO');
  for (const { accepted, adopted } of server.pairs) expect(adopted).toBe(accepted);
  expect(server.memories[1]).not.toBe(server.memories[0]);
});

test.each([
  ['shared', false],
  ['ordinary', true],
])('the %s way stops reading when it is told to, and sees the end', async (_way, hide) => {
  await using server = await startServer(hide);
  const client = server.connect();
  client.write('a');
  await eventually(() => expect(server.text()).toBe('a'));
  const { adopted } = server.pairs[0]!;
  adopted.pause();
  client.write('b');
  await eventually(() => expect(client.writableLength).toBe(0));
  expect(server.text()).toBe('a');
  adopted.resume();
  await eventually(() => expect(server.text()).toBe('ab'));
  client.end('c');
  await once(adopted, 'close');
  expect(server.text()).toBe('abc');
});
