import type { Agent, IncomingMessage } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import { describeError } from '../../shared/errors.ts';
import type { ReplayApi } from './request-body.ts';
import { type Failure, StreamMeter, type Usage } from './stream-meter.ts';

/** Where requests go and what all of them share. */
export interface SendTarget {
  readonly url: URL;
  readonly api: ReplayApi;
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
  /** Whole request, in wall ms. */
  readonly timeoutMs: number;
  /** Ends the request as interrupted. */
  readonly signal: AbortSignal;
}

/** What became of one request. Times are wall ms, from the moment it was sent. */
export interface RequestOutcome {
  readonly ttftMs: number | undefined;
  readonly endToEndMs: number;
  readonly gapsMs: readonly number[];
  /** The `x-fleet-worker` header. */
  readonly worker: string | undefined;
  readonly usage: Usage | undefined;
  readonly failure: Failure | undefined;
  /** The replay was stopped while the request ran: neither an answer nor an error. */
  readonly isInterrupted: boolean;
}

/** Most bytes of an error answer that are kept. */
const maxErrorBodyBytes = 16 * 1024;

/** An agent for many concurrent streams. Idle connections go before SGLang closes them at 5 s. */
export function replayAgent(url: URL): Agent {
  const options = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, maxFreeSockets: 512, timeout: 4_000 };
  return url.protocol === 'https:' ? new https.Agent(options) : new http.Agent(options);
}

/** Sends one body and measures its answer. Never rejects: whatever goes wrong is the outcome's failure. */
export function sendRequest(target: SendTarget, body: Buffer): Promise<RequestOutcome> {
  const { promise, resolve } = Promise.withResolvers<RequestOutcome>();
  const startMs = performance.now();
  const meter = new StreamMeter(target.api);
  let response: IncomingMessage | undefined;
  let isSettled = false;
  const settle = (failure: Failure | undefined, usage?: Usage) => {
    if (isSettled) return;
    isSettled = true;
    clearTimeout(deadline);
    const worker = response?.headers['x-fleet-worker'];
    resolve({
      ttftMs: meter.firstContentAtMs === undefined ? undefined : meter.firstContentAtMs - startMs,
      endToEndMs: performance.now() - startMs,
      gapsMs: meter.gapsMs,
      worker: typeof worker === 'string' ? worker : undefined,
      usage,
      failure: target.signal.aborted ? undefined : failure,
      isInterrupted: target.signal.aborted && failure !== undefined,
    });
  };

  const send = target.url.protocol === 'https:' ? https.request : http.request;
  const request = send(target.url, {
    method: 'POST',
    agent: target.agent,
    headers: { ...target.headers, 'content-length': body.length },
    signal: target.signal,
  });
  const deadline = setTimeout(() => {
    settle({ kind: 'timeout', message: `no complete answer within ${target.timeoutMs / 1_000} s` });
    request.destroy();
  }, target.timeoutMs);
  request.on('error', (error: NodeJS.ErrnoException) => settle(connectionFailure(error, response !== undefined)));
  request.on('response', (incoming) => {
    response = incoming;
    incoming.on('error', (error: NodeJS.ErrnoException) => settle(connectionFailure(error, true)));
    if (incoming.statusCode !== 200) {
      collectError(incoming, settle);
      return;
    }
    incoming.on('data', (bytes: Buffer) => meter.push(bytes, performance.now()));
    incoming.on('end', () => {
      const { usage, failure } = meter.finish();
      settle(failure, usage);
    });
  });
  request.end(body);
  return promise;
}

function connectionFailure(error: NodeJS.ErrnoException, hasResponse: boolean): Failure {
  const code = error.code ?? error.name;
  return { kind: hasResponse ? `${code} in the stream` : code, message: describeError(error) };
}

/** Reads a non-200 answer; its kind has the status and, in the OpenAI shape, the code. */
function collectError(incoming: IncomingMessage, settle: (failure: Failure) => void): void {
  const parts: Buffer[] = [];
  let length = 0;
  incoming.on('data', (part: Buffer) => {
    if (length < maxErrorBodyBytes) parts.push(part);
    length += part.length;
  });
  incoming.on('end', () => {
    const text = Buffer.concat(parts).toString();
    const { code, message } = readErrorBody(text);
    settle({ kind: `http ${incoming.statusCode}${code ? ` ${code}` : ''}`, message });
  });
}

/** Code and message of an OpenAI, SGLang or FastAPI error body; the text itself when it is none of them. */
function readErrorBody(text: string): { readonly code: string; readonly message: string } {
  try {
    const body = JSON.parse(text) as { error?: Record<string, unknown>; message?: unknown; detail?: unknown };
    const error = body.error ?? {};
    const code = typeof error['code'] === 'string' ? error['code'] : '';
    const message = error['message'] ?? body.message ?? body.detail;
    return { code, message: typeof message === 'string' ? message : text.slice(0, 300) };
  } catch {
    return { code: '', message: text.slice(0, 300) };
  }
}
