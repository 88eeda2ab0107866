import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Registry } from '../coordinator/registry.ts';
import type { Worker } from '../coordinator/worker.ts';
import { routerError } from '../errors.ts';
import { workerInfo, workerList } from './worker-info.ts';
import { becomes, type RemovalReport, WorkerRemovals } from './worker-removal.ts';
import {
  addWorkerQuery,
  createWorkerBody,
  originOf,
  parseRequest,
  removalQuery,
  removeWorkerQuery,
} from './worker-requests.ts';

/** A worker that is up proves itself within milliseconds; whoever registers one that is not need not wait for it. */
const defaultAddSeconds = 5;
const defaultRemoveSeconds = 30;

/**
 * The list of workers as sglang-router lets one change it: `POST /add_worker`, `POST /remove_worker`, `GET /list_workers`
 * of its first versions, `/workers` of the later ones. Removal waits until no request is in flight.
 */
export async function workerRoutes(app: FastifyInstance, { registry }: { readonly registry: Registry }): Promise<void> {
  const removals = new WorkerRemovals(registry);
  app.addHook('onClose', async () => removals.close());

  const add = (url: string): Worker => {
    const worker = registry.addStatic(find(registry, url)?.url ?? originOf(url)!);
    removals.cancel(worker);
    return worker;
  };
  const remove = (reference: string, reply: FastifyReply, seconds = defaultRemoveSeconds): Promise<RemovalReport> =>
    removals.remove(removable(registry, reference), waitSignal(reply, seconds));

  app.post('/add_worker', async (request, reply) => {
    const { url, timeout = defaultAddSeconds } = parseRequest(addWorkerQuery, request.query, request);
    const worker = add(url);
    const isReady = await becomes(() => worker.state === 'ready', waitSignal(reply, timeout));
    const rest = isReady ? '' : ' (not ready yet: it takes requests once it has answered one of the router)';
    return reply.type('text/plain').send(`Successfully added worker: ${url}${rest}`);
  });

  app.post('/remove_worker', async (request, reply) => {
    const { url, timeout } = parseRequest(removeWorkerQuery, request.query, request);
    const report = await remove(url, reply, timeout);
    return reply
      .code(report.isRemoved ? 200 : 202)
      .type('text/plain')
      .send(removalText(url, report));
  });

  app.get('/list_workers', async () => ({ urls: registry.workers.map(({ url }) => url) }));

  app.get('/workers', async () => workerList(registry.workers));

  app.post('/workers', async (request, reply) => {
    const { id, url } = add(parseRequest(createWorkerBody, request.body, request).url);
    const location = `/workers/${encodeURIComponent(id)}`;
    const message = 'Worker added; it takes requests once it has answered one of the router';
    return reply
      .code(202)
      .header('location', location)
      .send({ status: 'accepted', worker_id: id, url, location, message });
  });

  app.get<{ Params: { id: string } }>('/workers/:id', async ({ params }) => workerInfo(known(registry, params.id)));

  app.delete<{ Params: { id: string } }>('/workers/:id', async (request, reply) => {
    const { timeout } = parseRequest(removalQuery, request.query, request);
    const { id, url } = known(registry, request.params.id);
    const report = await remove(id, reply, timeout);
    return reply.code(202).send({
      status: 'accepted',
      worker_id: id,
      url,
      message: removalText(url, report),
      removed: report.isRemoved,
      in_flight: report.inFlight,
      in_flight_at_start: report.inFlightAtStart,
      waited_seconds: report.waitedSeconds,
    });
  });
}

/** By id (`host:port`) or by URL, however it is written. */
function find(registry: Registry, reference: string): Worker | undefined {
  const origin = originOf(reference);
  return registry.workers.find(({ id, url }) => id === reference || (origin !== undefined && originOf(url) === origin));
}

function known(registry: Registry, reference: string): Worker {
  const worker = find(registry, reference);
  if (worker === undefined) throw routerError('UNKNOWN_WORKER', { worker: reference });
  return worker;
}

/** Runners and Auto Scaling would bring their workers back with the next heartbeat or look. */
function removable(registry: Registry, reference: string): Worker {
  const worker = known(registry, reference);
  const others = [...worker.sources].filter((source) => source !== 'static');
  if (others.length > 0) throw routerError('WORKER_NOT_STATIC', { worker: reference, sources: others.join(', ') });
  return worker;
}

function removalText(url: string, report: RemovalReport): string {
  if (!report.isRemoved) {
    return `Worker ${url} gets no more requests and leaves when those in flight have ended: ${report.inFlight}`;
  }
  const waited = `waited ${report.waitedSeconds.toFixed(1)} s for ${report.inFlightAtStart} in flight`;
  return `Successfully removed worker: ${url}${report.inFlightAtStart > 0 ? ` (${waited})` : ''}`;
}

/** Aborts when the time is over or the caller left. */
function waitSignal(reply: FastifyReply, seconds: number): AbortSignal {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), 1_000 * seconds);
  reply.raw.once('close', () => {
    clearTimeout(timer);
    over.abort();
  });
  return over.signal;
}
