/** `engine.ts PORT`: an engine that answers, hangs or takes its time on demand and remembers what happened to it. */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { probeAnswerJson } from '../cost/engine-answers.ts';
import { nowMs } from '../cost/protocol.ts';
import { answerCalls } from '../support/remote-calls.ts';

export interface EngineBehaviour {
  /** Generation requests are read and never answered, a probe's too; health, load and aborts still are. */
  readonly hangs: boolean;
  /** Request to first byte. */
  readonly firstByteMs: number;
  /** Of a streamed answer. */
  readonly events: number;
  readonly eventIntervalMs: number;
}

/** Times on the clock of `nowMs`. */
export interface SeenByEngine {
  readonly requestsAtMs: readonly number[];
  /** When a request was aborted by its id. */
  readonly abortsAtMs: readonly number[];
  /** When a connection was closed in front of an unfinished answer. */
  readonly leftAtMs: readonly number[];
}

export type FaultEngineCall =
  | { readonly kind: 'port' }
  | { readonly kind: 'behave'; readonly behaviour: EngineBehaviour }
  | { readonly kind: 'seen' };

let behaviour: EngineBehaviour = { hangs: false, firstByteMs: 50, events: 20, eventIntervalMs: 50 };
const seen = { requestsAtMs: [] as number[], abortsAtMs: [] as number[], leftAtMs: [] as number[] };

const server = http.createServer((request, response) => void serve(request, response));
server.keepAliveTimeout = 5_000;
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1');

answerCalls<FaultEngineCall>(async (call) => {
  if (call.kind === 'seen') return seen;
  if (call.kind === 'behave') behaviour = call.behaviour;
  while (!server.listening) await delay(5);
  return (server.address() as { port: number }).port;
});

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const path = request.url!.split('?')[0]!;
  if (path === '/abort_request') seen.abortsAtMs.push(nowMs());
  if (behaviour.hangs && path === '/generate') return;
  const probe = probeAnswerJson(path);
  if (probe === undefined) await generate(response, Buffer.concat(parts).includes('"stream":true'));
  else response.writeHead(200, { 'content-type': 'application/json' }).end(probe);
}

async function generate(response: ServerResponse, isStream: boolean): Promise<void> {
  seen.requestsAtMs.push(nowMs());
  response.once('close', () => {
    if (!response.writableFinished) seen.leftAtMs.push(nowMs());
  });
  const { hangs, firstByteMs, events, eventIntervalMs } = behaviour;
  if (hangs) return;
  await delay(firstByteMs);
  if (!isStream) {
    const message = { role: 'assistant', content: 'ok' };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    const usage = { prompt_tokens: 500, completion_tokens: 1, total_tokens: 501 };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: 'x', object: 'chat.completion', created: 0, model: 'bench', choices, usage }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  for (let sent = 0; sent < events && !response.destroyed; sent++) {
    const choices = [{ index: 0, delta: { content: ` ${sent}` }, finish_reason: null }];
    const chunk = { id: 'x', object: 'chat.completion.chunk', created: 0, model: 'bench', choices };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    await delay(eventIntervalMs);
  }
  response.end('data: [DONE]\n\n');
}
