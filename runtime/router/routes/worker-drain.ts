import type { FastifyInstance } from 'fastify';
import { bearerHeaders } from '../../shared/auth.ts';
import { callJson } from '../../shared/call-json.ts';
import { describeError } from '../../shared/errors.ts';
import { runnerDrainPath, type WorkerDrain, workerDrainPath } from '../../shared/protocol.ts';
import type { Registry } from '../coordinator/registry.ts';
import type { Worker } from '../coordinator/worker.ts';
import { routerError } from '../errors.ts';
import type { ServerParts } from '../server-parts.ts';

const runnerTimeoutMs = 5_000;

interface ById {
  Params: { id: string };
}

/** Passes an operator's wish on to the runner of a worker: operators reach routers, and routers reach runners. */
export async function workerDrainRoutes(app: FastifyInstance, parts: ServerParts): Promise<void> {
  const { registry, coordinator, config } = parts;
  app.post<ById>(workerDrainPath(':id'), async ({ params: { id } }, reply): Promise<WorkerDrain> => {
    const worker = find(registry, id);
    if (!worker) throw routerError('UNKNOWN_WORKER', { worker: id });
    const { runnerId } = worker;
    const runner = runnerId === undefined ? undefined : await coordinator.findRunner(runnerId);
    if (!runner) throw routerError('WORKER_WITHOUT_RUNNER', { worker: id });
    const host = runner.host.includes(':') ? `[${runner.host}]` : runner.host;
    const url = `http://${host}:${runner.port}${runnerDrainPath}`;
    try {
      const headers = bearerHeaders(config.internalSecret);
      await callJson(url, { method: 'POST', headers, timeoutMs: runnerTimeoutMs });
    } catch (error) {
      throw routerError('RUNNER_UNREACHABLE', { worker: id, url, reason: describeError(error) }, { cause: error });
    }
    reply.code(202);
    return { worker: worker.id, runnerId: runner.runnerId, inFlightRequests: worker.inFlightRequests };
  });
}

/** By its own id, its runner's, or its instance's. */
function find(registry: Registry, id: string): Worker | undefined {
  return registry.workers.find((worker) => [worker.id, worker.runnerId, worker.instanceId].includes(id));
}
