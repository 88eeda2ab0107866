import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';

export interface SocketEngine extends AsyncDisposable {
  readonly url: string;
  /** Generation requests as they came, heads included. */
  readonly seen: string[];
  /** How often a request was to be aborted; such calls are never answered. */
  aborts: number;
}

/**
 * An engine below HTTP: `script` gets the socket when the head of a generation request has come, with what came of it.
 * Probes are answered as a healthy engine would.
 */
export async function startSocketEngine(script: (socket: Socket, sofar: Buffer) => void): Promise<SocketEngine> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    let held = '';
    let isScripted = false;
    socket.on('data', (bytes) => {
      if (isScripted) return;
      held += bytes.toString('latin1');
      if (!held.includes('\r\n\r\n')) return;
      isScripted = /^POST \/(?!abort)/.test(held) && !held.includes('"text":"Hello"');
      if (isScripted) {
        seen.push(held);
        script(socket, Buffer.from(held, 'latin1'));
      } else if (held.startsWith('POST /abort_request')) {
        engine.aborts++;
      } else {
        const models = '{"object":"list","data":[{"id":"scripted","object":"model"}],"loads":[]}';
        socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${models.length}\r\n\r\n${models}`);
      }
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const engine: SocketEngine = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    aborts: 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return engine;
}
