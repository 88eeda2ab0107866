/** The client side of the hop as its own process: sessions that send a message every so often, and when each is answered. */
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { answerCalls } from '../support/remote-calls.ts';

/** A way to send messages to sessions. */
export interface TalkJob {
  /** Base URL of a router, or of the runner itself. */
  readonly url: string;
  readonly sessionIds: readonly string[];
  readonly isDirect: boolean;
  readonly durationMs: number;
  /** From one message of a session to its next one, at least; 0 sends as soon as the last one is answered. */
  readonly everyMs: number;
}

export interface TalkResult {
  /** From sending a message to the first event of its answer, in ms. */
  readonly firstEventsMs: readonly number[];
  readonly failures: number;
  readonly failure: string | undefined;
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1_000 });

answerCalls<TalkJob>(async (job): Promise<TalkResult> => {
  const firstEventsMs: number[] = [];
  let failures = 0;
  let failure: string | undefined;
  const untilMs = performance.now() + job.durationMs;
  await Promise.all(
    job.sessionIds.map(async (id, index) => {
      // Spread over the interval.
      await delay((job.everyMs * index) / job.sessionIds.length);
      while (performance.now() < untilMs) {
        const sentMs = performance.now();
        try {
          firstEventsMs.push(await say(job, id));
        } catch (error) {
          failures++;
          failure ??= (error as Error).message;
        }
        const restMs = sentMs + job.everyMs - performance.now();
        if (restMs > 0) await delay(restMs);
      }
    }),
  );
  return { firstEventsMs, failures, failure };
});

let messages = 0;

/** Sends one message and reads its answer. @returns ms to the first event */
function say({ url, isDirect }: TalkJob, id: string): Promise<number> {
  const content = `message ${++messages}`;
  const body = JSON.stringify(isDirect ? { turnId: `turn-${process.pid}-${messages}`, content } : { content });
  const path = isDirect ? `/sandboxes/${id}/messages` : `/api/sessions/${id}/messages`;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const sentMs = performance.now();
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const request = http.request(`${url}${path}`, { method: 'POST', agent, headers }, (response) => {
    let firstMs: number | undefined;
    let text = '';
    response.on('data', (bytes: Buffer) => {
      text += bytes.toString();
      if (text.includes('data: ')) firstMs ??= performance.now() - sentMs;
    });
    response.on('end', () => {
      const isWhole = isDirect ? text.includes('fleet.turn') : text.endsWith('data: [DONE]\n\n');
      if (isWhole && firstMs !== undefined) resolve(firstMs);
      else reject(new Error(`${response.statusCode} ${text.slice(-300)}`));
    });
    response.on('error', reject);
  });
  request.on('error', reject);
  request.end(body);
  return promise;
}
