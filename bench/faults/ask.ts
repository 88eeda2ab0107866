import http, { type IncomingMessage } from 'node:http';
import { nowMs } from '../cost/protocol.ts';

const agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

export interface Question {
  readonly port: number;
  readonly path?: string;
  readonly body: object;
  /** The client gives up after this. @default 30,000 */
  readonly patienceMs?: number;
}

/** What a client saw of its request. */
export interface Seen {
  /** 'answered' is a 200 that came to its end. */
  readonly end: 'answered' | 'refused' | 'error-event' | 'cut' | 'gave-up';
  readonly detail: string;
  /** Text of all events, or of the answer. */
  readonly text: string;
  readonly tookMs: number;
}

/** Asks once, without retries of its own, and says how it went. Never rejects. */
export async function ask({ port, path = '/v1/chat/completions', body, patienceMs = 30_000 }: Question): Promise<Seen> {
  const startedAtMs = nowMs();
  const patience = AbortSignal.timeout(patienceMs);
  let received = '';
  const seen = (end: Seen['end'], detail = ''): Seen => ({
    end,
    detail,
    text: textOf(received),
    tookMs: nowMs() - startedAtMs,
  });
  try {
    const response = await send(port, path, JSON.stringify(body), patience);
    response.setEncoding('utf8');
    for await (const part of response) received += part;
    if (response.statusCode !== 200) return seen('refused', `${response.statusCode} ${received.slice(0, 200)}`);
    const isEventStream = response.headers['content-type']?.startsWith('text/event-stream');
    if (/^data: \{"error"/m.test(received)) return seen('error-event', received.slice(-200));
    if (isEventStream && !received.endsWith('data: [DONE]\n\n')) return seen('cut', 'ended without [DONE]');
    return seen('answered');
  } catch (error) {
    return seen(patience.aborted ? 'gave-up' : 'cut', (error as Error).message);
  }
}

function send(port: number, path: string, body: string, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const request = http.request({ port, host: '127.0.0.1', method: 'POST', path, agent, headers, signal }, resolve);
  request.on('error', reject);
  request.end(body);
  return promise;
}

interface AnyEvent {
  readonly text?: string;
  readonly choices?: readonly { readonly text?: string; readonly delta?: { readonly content?: string | null } }[];
}

/** Native events repeat the whole text so far, the others carry what is new. */
function textOf(received: string): string {
  let text = '';
  for (const [, payload] of received.matchAll(/^data: (\{.*\})$/gm)) {
    const event = JSON.parse(payload!) as AnyEvent;
    if (event.text !== undefined) text = event.text;
    for (const choice of event.choices ?? []) text += choice.delta?.content ?? choice.text ?? '';
  }
  return text;
}
