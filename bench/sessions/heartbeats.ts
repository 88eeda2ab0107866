/**
 * Many runners' heartbeats as their own process, open-loop: each is sent when it is due, however late the answers are, and
 * on a connection of its own, as a runner does that speaks every 10 s.
 */
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { heartbeatPath, registerPath } from '../../runtime/shared/protocol.ts';
import { answerCalls } from '../support/remote-calls.ts';

export type HeartbeatCall =
  | { readonly kind: 'register'; readonly port: number; readonly runners: number; readonly enginePort: number }
  | { readonly kind: 'beat'; readonly port: number; readonly perSecond: number; readonly durationMs: number };

export interface HeartbeatResult {
  /** From the moment when a heartbeat was due to the end of its answer, in ms. */
  readonly answersMs: readonly number[];
  /** How late heartbeats were sent, in ms: the sender's own lack of CPU. */
  readonly latenessMs: readonly number[];
  readonly failures: number;
  readonly failure: string | undefined;
}

const tickMs = 5;
const load = { runningRequests: 3, waitingRequests: 0, usedTokens: 40_000, maxTotalTokens: 100_000 };
let runnerCount = 0;

answerCalls<HeartbeatCall>(async (call): Promise<HeartbeatResult> => {
  if (call.kind === 'beat') return await beat(call);
  runnerCount = call.runners;
  const started = performance.now();
  for (let index = 0; index < call.runners; index++) {
    // Every machine has an address; all of 127.0.0.0/8 is this one.
    const host = `127.1.${index >> 8}.${index & 255}`;
    const registration = { runnerId: `machine-${index}`, host, port: 4_200, maxSandboxes: 8 };
    const engine = { engineUrl: `http://${host}:${call.enginePort}`, model: 'stub', engineState: 'ready' };
    await post(call.port, registerPath, { ...registration, ...engine });
  }
  return { answersMs: [performance.now() - started], latenessMs: [], failures: 0, failure: undefined };
});

async function beat({ port, perSecond, durationMs }: HeartbeatCall & { kind: 'beat' }): Promise<HeartbeatResult> {
  const answersMs: number[] = [];
  const latenessMs: number[] = [];
  let failures = 0;
  let failure: string | undefined;
  const startedMs = performance.now();
  const pending = new Set<Promise<void>>();
  for (let sent = 0; performance.now() - startedMs < durationMs; ) {
    while (sent < ((performance.now() - startedMs) * perSecond) / 1_000) {
      const dueMs = startedMs + (sent * 1_000) / perSecond;
      const runnerId = `machine-${sent++ % runnerCount}`;
      latenessMs.push(performance.now() - dueMs);
      const heartbeat = { runnerId, activeCount: 0, warmingCount: 0, engineState: 'ready', load };
      const one = post(port, heartbeatPath, heartbeat)
        .then(() => void answersMs.push(performance.now() - dueMs))
        .catch((error: Error) => {
          failures++;
          failure ??= error.message;
        })
        .finally(() => pending.delete(one));
      pending.add(one);
    }
    await delay(tickMs);
  }
  await Promise.all(pending);
  return { answersMs, latenessMs, failures, failure };
}

function post(port: number, path: string, message: object): Promise<void> {
  const body = JSON.stringify(message);
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  return new Promise((resolve, reject) => {
    const request = http.request(
      { port, host: '127.0.0.1', method: 'POST', path, headers, agent: false },
      (response) => {
        response.resume();
        response.on('end', () => {
          if (response.statusCode === 200) resolve();
          else reject(new Error(`${path} answered ${response.statusCode}`));
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
