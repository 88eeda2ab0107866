import { type ClientHttp2Stream, constants } from 'node:http2';
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
import { type RunnerAddress, RunnerConnection } from './runner-connection.ts';
import { runnersError } from './runners-error.ts';

export interface RemoteRunner extends RunnerAddress {
  /** Bearer secret of the fleet; undefined when it has none. */
  readonly secret: string | undefined;
}

interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** Making a sandbox may load an agent; looking at one and ending one may not take long. */
const createTimeoutMs = 30_000;
const callTimeoutMs = 5_000;

/** The sandboxes of a runner on another machine, over one connection that is kept. */
export class RemoteRunnerBackend implements RunnerBackend {
  readonly #secret: string | undefined;
  readonly #connection: RunnerConnection;

  constructor(runner: RemoteRunner) {
    this.#secret = runner.secret;
    this.#connection = new RunnerConnection(runner);
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
    const answer = await this.#request(sessionId, {
      method: 'POST',
      path: sandboxMessagesPath(sessionId),
      body: turn,
      signal,
    });
    const splitter = new EventSplitter();
    let isWhole = false;
    try {
      for await (const bytes of answer.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
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
      // What follows the last event is nothing. Closing the stream tells the runner that nobody listens any more.
      if (isWhole) answer.resume();
      else answer.close(constants.NGHTTP2_CANCEL);
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
    this.#connection.close();
  }

  async #json(sessionId: string, call: Call): Promise<unknown> {
    const answer = await this.#request(sessionId, call);
    try {
      const body = await text(answer);
      return body === '' ? undefined : JSON.parse(body);
    } catch (error) {
      throw this.#toCoded(sessionId, error, call.signal);
    }
  }

  /** Resolves with the body of a 2xx answer. */
  async #request(sessionId: string, call: Call): Promise<ClientHttp2Stream> {
    const { method, path, signal } = call;
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const headers = { ...bearerHeaders(this.#secret), ...(body && { 'content-type': 'application/json' }) };
    try {
      const { status, stream } = await this.#connection.request({ method, path, headers, body, signal });
      if (status < 300) return stream;
      throw runnersError(parseJson(await text(stream)), status);
    } catch (error) {
      throw this.#toCoded(sessionId, error, signal);
    }
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
