import { ClientConnection } from '../client-connection.ts';
import { readStampsMs } from '../engine-answers.ts';
import { type LoadJob, type LoadResult, nowMs } from '../protocol.ts';
import { requestMaker } from '../request-bodies.ts';
import { type JobOf, Tally } from './tally.ts';

/** How late the latest event of each stream was, on connections that are kept: there, acknowledgements are delayed. */
export async function runDelays(job: JobOf<LoadJob, 'delays'>): Promise<LoadResult> {
  const tally = new Tally();
  const make = requestMaker(job.shape);
  const delaysMs: number[] = [];
  const untilMs = nowMs() + job.durationMs;
  await Promise.all(
    Array.from({ length: job.connections }, async () => {
      const connection = new ClientConnection(job.port);
      while (nowMs() < untilMs && connection.isUsable) {
        const latestMs = await latestEventMs(connection, make(), tally);
        if (latestMs !== undefined) delaysMs.push(latestMs);
      }
      connection.destroy();
    }),
  );
  return tally.result({ delaysMs });
}

function latestEventMs(connection: ClientConnection, request: Buffer[], tally: Tally): Promise<number | undefined> {
  let latestMs = 0;
  return new Promise((resolve) => {
    connection.send(request, {
      onBody(bytes) {
        const now = nowMs();
        for (const stampMs of readStampsMs(bytes)) latestMs = Math.max(latestMs, now - stampMs);
      },
      onEnd(status) {
        tally.ended(status, 0);
        resolve(latestMs);
      },
      onFailure(reason) {
        tally.failed(reason);
        resolve(undefined);
      },
    });
  });
}
