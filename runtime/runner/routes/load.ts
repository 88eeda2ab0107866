import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { loadPath } from '../../shared/protocol.ts';
import { eventStreamType, formatEvent } from '../../shared/sse.ts';
import type { LoadFeed } from '../load-feed.ts';
import { requireSecret } from './authorize.ts';

/** The stream by which routers follow the engine's load between heartbeats; see loadReportSchema. */
export function loadRoute(feed: LoadFeed, secret: string | undefined) {
  return async (app: FastifyInstance): Promise<void> => {
    app.addHook('onRequest', requireSecret(secret));
    app.addHook('preClose', async () => feed.close());
    app.get(loadPath, { exposeHeadRoute: false }, (_request, reply) => {
      reply.hijack();
      sendReports(reply.raw, feed);
    });
  };
}

/** Writes reports as they come. While one is on its way only the latest waits: a slow listener misses the others. */
export function sendReports(response: ServerResponse, feed: LoadFeed): void {
  let waiting: string | undefined;
  let isWriting = false;
  const send = (report: string): void => {
    if (response.writableEnded || response.destroyed) return;
    if (isWriting) {
      waiting = report;
      return;
    }
    isWriting = true;
    response.write(formatEvent(report), () => {
      isWriting = false;
      const next = waiting;
      waiting = undefined;
      if (next !== undefined) send(next);
    });
  };
  response.writeHead(200, { 'content-type': eventStreamType, 'cache-control': 'no-cache' });
  const leave = feed.subscribe({ report: send, end: () => response.end() });
  response.once('close', leave);
}
