import http, { type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { bearerHeaders } from '../../shared/auth.ts';
import { CodedError, describeError } from '../../shared/errors.ts';
import {
  type PoolStatistics,
  type RunnerBackend,
  type SandboxList,
  type SandboxSpec,
  type SandboxView,
  sandboxesPath,
  sandboxMessagesPath,
  sandboxPath,
  type TurnEvent,
  type TurnRequest,
} from '../../shared/sandbox-protocol.ts';
import { EventSplitter } from '../../shared/sse.ts';
import { routerError } from '../errors.ts';
import { runnersError } from './runners-error.ts';

export interface RemoteRunner {
  readonly host: string;
  readonly port: number;
  /** Bearer secret of the fleet; undefined when it has none. */
  readonly secret: string | undefined;
}

interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** A machine that is gone does not refuse a connection, it says nothing. */
const connectTimeoutMs = 3_000;
/** Making a sandbox may load an agent; looking at one and ending one may not take long. */
const createTimeoutMs = 30_000;
const callTimeoutMs = 5_000;

/** The sandboxes of a runner on another machine, over HTTP with connections that are kept. */
export class RemoteRunnerBackend implements RunnerBackend {
  readonly #runner: RemoteRunner;
  readonly #agent = new http.Agent({ keepAlive: true, maxFreeSockets: 64, scheduling: 'lifo' });
  #isClosed = false;

  constructor(runner: RemoteRunner) {
    this.#runner = runner;
  }

  async createSandbox(spec: SandboxSpec, signal?: AbortSignal): Promise<SandboxView> {
    const call = { method: 'POST', path: sandboxesPath, body: spec } as const;
    return (await this.#json(spec.sessionId, { ...call, signal: within(createTimeoutMs, signal) })) as SandboxView;
  }

  async getSandbox(sessionId: string, signal?: AbortSignal): Promise<SandboxView | undefined> {
    const call = { method: 'GET', path: sandboxPath(sessionId), signal: within(callTimeoutMs, signal) } as const;
    return (await this.#json(sessionId, call).catch(noneFor404)) as SandboxView | undefined;
  }

  async listSandboxes(signal?: AbortSignal): Promise<readonly SandboxView[]> {
    const call = { method: 'GET', path: sandboxesPath, signal: within(callTimeoutMs, signal) } as const;
    return ((await this.#json('-', call)) as SandboxList).sandboxes;
  }

  async *sendMessage(sessionId: string, turn: TurnRequest, signal?: AbortSignal): AsyncGenerator<TurnEvent, void> {
    const response = await this.#request(sessionId, {
      method: 'POST',
      path: sandboxMessagesPath(sessionId),
      body: turn,
      signal,
    });
    const splitter = new EventSplitter();
    let isWhole = false;
    try {
      for await (const bytes of response.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        for (const payload of splitter.push(bytes)) {
          const event = JSON.parse(payload) as TurnEvent | { readonly error: unknown };
          if ('error' in event) throw runnersError(event, 502);
          isWhole = event.object === 'fleet.turn';
          yield event;
          if (isWhole) return;
        }
      }
      throw new Error('the stream ended before its last event');
    } catch (error) {
      throw this.#toCoded(sessionId, error, signal);
    } finally {
      // What follows the last event is nothing: read to the end, the connection can be used again.
      if (isWhole) response.resume();
      else response.destroy();
    }
  }

  async destroySandbox(sessionId: string, signal?: AbortSignal): Promise<void> {
    const call = { method: 'DELETE', path: sandboxPath(sessionId), signal: within(callTimeoutMs, signal) } as const;
    await this.#json(sessionId, call).catch(noneFor404);
  }

  async statistics(signal?: AbortSignal): Promise<PoolStatistics> {
    const call = { method: 'GET', path: '/health', signal: within(callTimeoutMs, signal) } as const;
    return ((await this.#json('-', call)) as { pool: PoolStatistics }).pool;
  }

  /** Turns under way end with RUNNER_LOST. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#agent.destroy();
  }

  async #json(sessionId: string, call: Call): Promise<unknown> {
    const response = await this.#request(sessionId, call);
    try {
      const body = await text(response);
      return body === '' ? undefined : JSON.parse(body);
    } catch (error) {
      throw this.#toCoded(sessionId, error, call.signal);
    }
  }

  /** Resolves with the head of a 2xx answer. */
  async #request(sessionId: string, call: Call): Promise<IncomingMessage> {
    try {
      const response = await this.#attempt(call, true);
      if (response.statusCode! < 300) return response;
      throw runnersError(parseJson(await text(response)), response.statusCode!);
    } catch (error) {
      throw this.#toCoded(sessionId, error, call.signal);
    }
  }

  /** @param mayRepeat a kept connection may have been closed by the runner just before the request: that is no failure */
  #attempt(call: Call, mayRepeat: boolean): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    if (this.#isClosed) return Promise.reject(new Error('it is no longer a runner of this fleet'));
    const { host, port, secret } = this.#runner;
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const request = http.request({
      host,
      port,
      method: call.method,
      path: call.path,
      agent: this.#agent,
      headers: {
        ...bearerHeaders(secret),
        ...(body && { 'content-type': 'application/json', 'content-length': body.length }),
      },
      ...(call.signal && { signal: call.signal }),
    });
    let hasAnswered = false;
    request.once('response', (response) => {
      hasAnswered = true;
      resolve(response);
    });
    request.once('socket', (socket) => {
      if (!socket.connecting) return;
      const timer = setTimeout(() => request.destroy(new Error('connecting took too long')), connectTimeoutMs);
      socket.once('connect', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      // Once it has answered, its answer breaks off as well and tells its reader.
      if (hasAnswered) return;
      const isStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      if (isStale && mayRepeat && !this.#isClosed) this.#attempt(call, false).then(resolve, reject);
      else reject(error);
    });
    request.end(body);
    return promise;
  }

  /** What the caller aborted is his; what the runner said is its own; everything else means that it is lost. */
  #toCoded(sessionId: string, error: unknown, signal: AbortSignal | undefined): unknown {
    if (error instanceof CodedError) return error;
    if (signal?.aborted && !isTimeout(signal.reason)) return signal.reason;
    const detail = signal?.aborted ? 'it did not answer in time' : describeError(error);
    return routerError('RUNNER_LOST', { id: sessionId, detail }, { cause: error });
  }
}

function within(timeoutMs: number, signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

function isTimeout(reason: unknown): boolean {
  return (reason as { name?: unknown } | undefined)?.name === 'TimeoutError';
}

function noneFor404(error: unknown): undefined {
  if (error instanceof CodedError && error.status === 404) return undefined;
  throw error;
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
