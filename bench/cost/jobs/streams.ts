import { setTimeout as delay } from 'node:timers/promises';
import { ClientConnection } from '../client-connection.ts';
import { type LoadJob, type LoadResult, nowMs } from '../protocol.ts';
import { requestMaker } from '../request-bodies.ts';
import { type JobOf, type Mark, Tally } from './tally.ts';

const settleMs = 300;
const firstBytesWithinMs = 5_000;
const endsWithinMs = 8_000;
const eventEnd = Buffer.from('\n\n');

export async function runStreams(job: JobOf<LoadJob, 'streams'>, mark: Mark): Promise<LoadResult> {
  const tally = new Tally();
  const make = requestMaker(job.shape);
  const firstBytesMs: number[] = [];
  const connections: ClientConnection[] = [];
  let open = 0;
  const start = () => {
    const connection = new ClientConnection(job.port);
    connections.push(connection);
    const sentAtMs = nowMs();
    let isFirst = true;
    open++;
    connection.send(make(), {
      onBody(bytes) {
        if (isFirst) firstBytesMs.push(nowMs() - sentAtMs);
        isFirst = false;
        for (let at = bytes.indexOf(eventEnd); at >= 0; at = bytes.indexOf(eventEnd, at + 2)) tally.events++;
      },
      onEnd(status) {
        open--;
        tally.ended(status, nowMs() - sentAtMs);
        connection.destroy();
      },
      onFailure(reason) {
        open--;
        tally.failed(reason);
      },
    });
  };
  const startedAtMs = nowMs();
  while (connections.length < job.streams) {
    const due = Math.min(job.streams, ((nowMs() - startedAtMs) / job.startWithinMs) * job.streams);
    while (connections.length < due) start();
    await delay(1);
  }
  const firstBytesByMs = nowMs() + firstBytesWithinMs;
  while (firstBytesMs.length + tally.failures < job.streams && nowMs() < firstBytesByMs) await delay(5);
  await delay(settleMs);
  mark(tally.count);
  await delay(job.durationMs);
  mark(tally.count);
  const endsByMs = nowMs() + endsWithinMs;
  while (open > 0 && nowMs() < endsByMs) await delay(5);
  for (; open > 0; open--) tally.failed('the stream did not end');
  for (const connection of connections) connection.destroy();
  return tally.result({ firstBytesMs });
}
