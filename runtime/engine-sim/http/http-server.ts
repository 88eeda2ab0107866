import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { findRoute } from '../endpoints/routes.ts';
import type { ServerState } from '../server-state.ts';
import { dispatch } from './dispatch.ts';
import { Exchange } from './exchange.ts';

/** As SGLang: an idle connection is closed after 5 s, of real time at any time scale. */
const keepAliveMs = 5_000;
const maxHeaderBytes = 256 * 1024;
/** A server whose connections behave as uvicorn's. It does not listen yet. */
export function createHttpServer(state: ServerState): Server {
  const server = createServer({ maxHeaderSize: maxHeaderBytes, keepAliveTimeout: keepAliveMs }, (request, response) => {
    const exchange: Exchange = new Exchange(request, response, state.log, (status) => {
      const endpoint = findRoute(exchange.path)?.metricName ?? exchange.path;
      state.metrics.observeHttpResponse(endpoint, exchange.method, status);
    });
    if (request.headers.upgrade !== undefined) state.log.uvicorn('WARNING', 'Unsupported upgrade request.');
    void dispatch(exchange, state);
  });
  server.keepAliveTimeoutBuffer = 0;
  // uvicorn lets a silent connection and a slow request be.
  server.headersTimeout = 0;
  server.requestTimeout = 0;
  server.on('clientError', (_error, socket) => {
    if (!socket.writable) return;
    state.log.uvicorn('WARNING', 'Invalid HTTP request received.');
    const head = 'HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n';
    socket.end(`${head}Invalid HTTP request received.`);
  });
  return server;
}

/** The open sockets of a server, always up to date. */
export function trackSockets(server: Server): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

/** Rejects when the port cannot be bound. */
export function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
