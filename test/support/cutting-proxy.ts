import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';

/** Stands before engines and, when told to, cuts the connection of the next event stream of any of them. */
export interface CuttingProxies extends AsyncDisposable {
  /** In the order of the engines. */
  readonly urls: readonly string[];
  /** Lets `events` events of the next stream through, then resets its connection on both sides. Once. */
  cutAfter(events: number): void;
  /** Streams that were cut so far. */
  readonly cuts: number;
}

export async function startCuttingProxies(engineUrls: readonly string[]): Promise<CuttingProxies> {
  const sockets = new Set<net.Socket>();
  let armedEvents: number | undefined;
  let cuts = 0;

  const serve = (engineUrl: string) => (client: net.Socket) => {
    const { hostname, port } = new URL(engineUrl);
    const engine = net.connect(Number(port), hostname);
    for (const socket of [client, engine]) {
      sockets.add(socket.on('error', () => {}).once('close', () => sockets.delete(socket)));
    }
    const end = () => {
      client.resetAndDestroy();
      engine.resetAndDestroy();
    };
    let isStream = false;
    let seen = 0;
    client.on('data', (bytes) => engine.write(bytes)).on('close', end);
    engine.on('close', end).on('data', (bytes) => {
      isStream ||= bytes.includes('text/event-stream');
      if (armedEvents === undefined || !isStream) {
        client.write(bytes);
        return;
      }
      const pass = endOfEvents(bytes, armedEvents - seen);
      seen += countEvents(bytes.subarray(0, pass));
      if (seen < armedEvents) {
        client.write(bytes);
        return;
      }
      armedEvents = undefined;
      cuts++;
      client.write(bytes.subarray(0, pass), end);
    });
  };
  const servers = engineUrls.map((url) => net.createServer(serve(url)).listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  return {
    urls: servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    cutAfter(events) {
      armedEvents = events;
    },
    get cuts() {
      return cuts;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => once(server.close(), 'close')));
    },
  };
}

const eventEnd = '\n\n';

function countEvents(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(eventEnd); at >= 0; at = bytes.indexOf(eventEnd, at + 2)) count++;
  return count;
}

/** Offset behind the `count`th event, or the length when there are fewer. */
function endOfEvents(bytes: Buffer, count: number): number {
  let at = 0;
  for (let i = 0; i < count; i++) {
    const end = bytes.indexOf(eventEnd, at);
    if (end < 0) return bytes.length;
    at = end + 2;
  }
  return at;
}
