/**
 * `node bench/sim/http-load.ts TRACE REQUESTS_PER_SECOND SECONDS URL...`: sends trace-like chat requests open-loop, round
 * robin, in a process of its own so that its cost is not counted as the engines'. Prints one line of JSON at the end.
 */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { PromptWriter } from '../../runtime/cli/replay/prompt.ts';
import { apiPaths, bodyFrame } from '../../runtime/cli/replay/request-body.ts';
import { loadTrace, type TraceRequest } from '../../runtime/cli/replay/trace.ts';

export interface LoadOutcome {
  readonly sent: number;
  readonly completed: number;
  readonly failed: number;
  /** Requests without an end when the load stopped. */
  readonly open: number;
  readonly receivedBytes: number;
}

const [tracePath, rate, seconds, ...urls] = process.argv.slice(2);
const trace = await loadTrace(tracePath!);
const intervalMs = 1_000 / Number(rate);
const endsAt = performance.now() + 1_000 * Number(seconds);
const prompts = new PromptWriter();
// Below the 5 s after which an engine closes an idle connection.
const agent = new Agent({ keepAlive: true, timeout: 4_000 });
const outcome = { sent: 0, completed: 0, failed: 0, receivedBytes: 0 };

await sendUntil(endsAt);
const open = outcome.sent - outcome.completed - outcome.failed;
console.log(JSON.stringify({ ...outcome, open } satisfies LoadOutcome));
process.exit(0);

/** Sends whatever is due at each tick; a late tick sends several, so that the rate holds. */
function sendUntil(end: number): Promise<void> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now();
      if (now >= end) {
        clearInterval(timer);
        resolve();
        return;
      }
      while (outcome.sent * intervalMs <= now - startedAt) send(trace[outcome.sent % trace.length]!);
    }, 5);
  });
}

function send(request: TraceRequest): void {
  const url = urls[outcome.sent++ % urls.length]!;
  const { head, tail } = bodyFrame('chat', 'simulated-model', request.outputTokens);
  const body = prompts.wrap(request, head, tail);
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  const sent = httpRequest(url + apiPaths.chat, { method: 'POST', agent, headers }, receive);
  sent.on('error', () => outcome.failed++);
  sent.end(body);
}

function receive(response: IncomingMessage): void {
  let isComplete = false;
  response.on('data', (chunk: Buffer) => {
    outcome.receivedBytes += chunk.length;
    isComplete = chunk.subarray(-16).includes('[DONE]');
  });
  response.on('end', () => {
    if (isComplete && response.statusCode === 200) outcome.completed++;
    else outcome.failed++;
  });
}
