import { setTimeout as delay } from 'node:timers/promises';
import { ConnectionPool } from '../client-connection.ts';
import { type LoadJob, type LoadResult, nowMs } from '../protocol.ts';
import { requestMaker } from '../request-bodies.ts';
import { type JobOf, type Mark, Tally } from './tally.ts';

/** Longest wait for the answers that are out when the schedule ends. */
const lastAnswersMs = 5_000;

export async function runOpenLoop(job: JobOf<LoadJob, 'open-loop'>, mark: Mark): Promise<LoadResult> {
  const tally = new Tally();
  const make = requestMaker(job.shape);
  const pool = new ConnectionPool(job.port);
  let open = 0;
  const sendOne = () => {
    const connection = pool.take();
    const sentAtMs = nowMs();
    open++;
    connection.send(make(), {
      onEnd(status) {
        open--;
        tally.ended(status, nowMs() - sentAtMs);
        pool.giveBack(connection);
      },
      onFailure(reason) {
        open--;
        tally.failed(reason);
      },
    });
  };
  const startedAtMs = nowMs();
  const countFromMs = startedAtMs + job.warmUpMs;
  const untilMs = countFromMs + job.durationMs;
  for (let sent = 0; nowMs() < untilMs; await delay(1)) {
    if (!tally.isCounting && nowMs() >= countFromMs) {
      tally.isCounting = true;
      mark(tally.count);
    }
    for (const due = ((nowMs() - startedAtMs) * job.perSecond) / 1_000; sent < due; sent++) sendOne();
  }
  mark(tally.count);
  const deadlineMs = nowMs() + lastAnswersMs;
  while (open > 0 && nowMs() < deadlineMs) await delay(5);
  for (; open > 0; open--) tally.failed('no answer');
  pool.close();
  return tally.result({ latenciesMs: tally.latenciesMs });
}
