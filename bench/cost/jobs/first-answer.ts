import { setTimeout as delay } from 'node:timers/promises';
import { ClientConnection } from '../client-connection.ts';
import { type LoadJob, type LoadResult, nowMs } from '../protocol.ts';
import { requestMaker } from '../request-bodies.ts';
import type { JobOf } from './tally.ts';

export async function runFirstAnswer(job: JobOf<LoadJob, 'first-answer'>): Promise<LoadResult> {
  const make = requestMaker(job.shape);
  const deadlineMs = nowMs() + job.timeoutMs;
  let last = 'no attempt';
  while (nowMs() < deadlineMs) {
    last = await attempt(job.port, make(), deadlineMs);
    if (last === 'status 200') return { failures: 0, answeredAtMs: nowMs() };
    await delay(5);
  }
  return { failures: 1, failure: last };
}

function attempt(port: number, request: Buffer[], deadlineMs: number): Promise<string> {
  const connection = new ClientConnection(port);
  return new Promise<string>((resolve) => {
    const timer = setTimeout(() => resolve('no answer in time'), deadlineMs - nowMs());
    const settle = (outcome: string) => {
      clearTimeout(timer);
      resolve(outcome);
    };
    connection.send(request, { onEnd: (status) => settle(`status ${status}`), onFailure: settle });
  }).finally(() => connection.destroy());
}
