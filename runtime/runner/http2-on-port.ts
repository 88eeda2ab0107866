import type http from 'node:http';
import http2, { type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';

/** First bytes of every HTTP/2 connection (RFC 9113 section 3.4). No method of HTTP/1.1 begins with its first three. */
const prefaceStart = Buffer.from('PRI');
/** A connection that has not said its protocol by then is closed. */
const firstBytesMs = 60_000;
/**
 * Across all streams of one connection: a router whose client reads slowly leaves events in the window of that stream
 * alone, and many of those must not stop the others.
 */
const connectionWindowBytes = 2 ** 31 - 1;
/** Many: a router keeps all its sessions' messages to a runner in one connection. */
const maxStreams = 1_000_000;

/**
 * Lets the port of `server` speak HTTP/2 without TLS as well, to clients that know it beforehand (RFC 9113 section 3.3):
 * the first bytes of a connection tell. Call it before the server gets a connection.
 * @param handle gets the requests that come by HTTP/2
 * @returns ends all connections by HTTP/2, and those that have said nothing yet
 */
export function acceptHttp2(
  server: http.Server,
  handle: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
): () => void {
  const acceptors = server.listeners('connection') as ((socket: Socket) => void)[];
  const undecided = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  const second = http2.createServer(
    {
      settings: { maxConcurrentStreams: maxStreams },
      // In MB: the default refuses streams from about a thousand on. The router on the other side is one of ours.
      maxSessionMemory: 2_048,
      // Thousands of clients may leave a router at one time.
      streamResetBurst: maxStreams,
      streamResetRate: maxStreams,
    },
    handle,
  );
  second.on('session', (session) => {
    sessions.add(session);
    session.setLocalWindowSize(connectionWindowBytes);
    session.once('close', () => sessions.delete(session));
  });

  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    undecided.add(socket);
    const ignore = () => {};
    const end = () => socket.destroy();
    let first: Buffer = Buffer.alloc(0);
    const look = () => {
      const bytes: Buffer | null = socket.read();
      if (bytes === null) return;
      first = first.length === 0 ? bytes : Buffer.concat([first, bytes]);
      const length = Math.min(first.length, prefaceStart.length);
      const mayBeSecond = first.compare(prefaceStart, 0, length, 0, length) === 0;
      if (mayBeSecond && length < prefaceStart.length) return;
      decided();
      socket.unshift(first);
      if (mayBeSecond) second.emit('connection', socket);
      else for (const accept of acceptors) accept.call(server, socket);
    };
    const decided = () => {
      undecided.delete(socket);
      socket.setTimeout(0);
      socket.off('readable', look).off('error', ignore).off('timeout', end).off('end', end).off('close', decided);
    };
    socket.setTimeout(firstBytesMs);
    socket.on('readable', look).on('error', ignore).on('timeout', end).on('end', end).on('close', decided);
  });

  return () => {
    for (const socket of undecided) socket.destroy();
    for (const session of sessions) session.destroy();
  };
}
