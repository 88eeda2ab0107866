import { setTimeout as delay } from 'node:timers/promises';
import { ClientConnection } from '../client-connection.ts';
import { type LoadJob, type LoadResult, nowMs } from '../protocol.ts';
import { requestMaker } from '../request-bodies.ts';
import { type JobOf, type Mark, Tally } from './tally.ts';

export async function runClosedLoop(job: JobOf<LoadJob, 'closed-loop'>, mark: Mark): Promise<LoadResult> {
  const tally = new Tally();
  let isRunning = true;
  const loops = startLoops(job, tally, () => isRunning);
  await delay(job.warmUpMs);
  tally.isCounting = true;
  mark(tally.count);
  await delay(job.durationMs);
  mark(tally.count);
  tally.isCounting = false;
  isRunning = false;
  await loops;
  return tally.result({ latenciesMs: tally.latenciesMs });
}

export async function runFixedCount(job: JobOf<LoadJob, 'fixed-count'>, mark: Mark): Promise<LoadResult> {
  const tally = new Tally();
  let begun = 0;
  const mayBegin = () => {
    if (begun === job.countFrom) mark(tally.count);
    return begun++ < job.requests;
  };
  await startLoops(job, tally, mayBegin);
  mark(tally.count);
  return tally.result();
}

interface Loops {
  readonly port: number;
  readonly connections: number;
  readonly shape: Parameters<typeof requestMaker>[0];
}

/** Resolves when every connection has ended its last request. */
async function startLoops(job: Loops, tally: Tally, mayBegin: () => boolean): Promise<void> {
  const make = requestMaker(job.shape);
  await Promise.all(
    Array.from({ length: job.connections }, async () => {
      let connection = new ClientConnection(job.port);
      while (mayBegin()) {
        if (!connection.isUsable) connection = new ClientConnection(job.port);
        await once(connection, make(), tally);
      }
      connection.destroy();
    }),
  );
}

function once(connection: ClientConnection, request: Buffer[], tally: Tally): Promise<void> {
  const sentAtMs = nowMs();
  return new Promise((resolve) => {
    connection.send(request, {
      onEnd(status) {
        tally.ended(status, nowMs() - sentAtMs);
        resolve();
      },
      onFailure(reason) {
        tally.failed(reason);
        // A router that refuses everything must not spin this loop.
        setTimeout(resolve, 10);
      },
    });
  });
}
