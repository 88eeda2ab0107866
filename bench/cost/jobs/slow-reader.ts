import { setTimeout as delay } from 'node:timers/promises';
import { ClientConnection } from '../client-connection.ts';
import type { LoadJob, LoadResult } from '../protocol.ts';
import { requestMaker } from '../request-bodies.ts';
import { type JobOf, Tally } from './tally.ts';

export async function runSlowReader(job: JobOf<LoadJob, 'slow-reader'>): Promise<LoadResult> {
  const tally = new Tally();
  const connection = new ClientConnection(job.port);
  let hasBegun = false;
  connection.send(requestMaker(job.shape)(), {
    onBody() {
      hasBegun = true;
      connection.socket.pause();
    },
    onEnd: (status) => tally.ended(status, 0),
    onFailure: (reason) => tally.failed(reason),
  });
  await delay(job.durationMs);
  connection.destroy();
  if (!hasBegun) tally.failed('the stream did not begin');
  return tally.result();
}
