import { connectTo } from './connect.ts';
import { exchangeTextOver, type TextAnswer, type TextRequest } from './text-exchange.ts';
import { UpstreamConnection, UpstreamFailure } from './upstream-connection.ts';
import { UpstreamPool } from './upstream-pool.ts';

export interface TextExchange {
  /** @default GET */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
  /** For the whole exchange, in ms; a fraction is fine. */
  readonly timeoutMs: number;
  /** A longer answer is given up. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** Leaves the connection open for the next exchange with the same server, for some seconds. */
  readonly keepsConnection: boolean;
}

/** Kept connections by origin. A fleet has up to some thousand runners, of which few are called within seconds. */
const pools = new Map<string, UpstreamPool>();
const maxPools = 256;

/**
 * Sends a request and takes in the text of its answer, of bounded size, within a bounded time. No redirect is followed, and no
 * proxy taken, whatever the environment says. (`fetch` does the same for several times the CPU and memory.)
 * @throws the signal's reason; a DOMException named `TimeoutError`; RangeError for an answer too long; TypeError for a URL or a
 * header that is none; an Error that says what is wrong with the connection or the answer, with the code of the system's.
 */
export async function exchangeText(url: string, exchange: TextExchange): Promise<TextAnswer> {
  const { method = 'GET', headers, body, keepsConnection, timeoutMs, maxBytes, signal } = exchange;
  const { origin, host, pathname, search } = new URL(url);
  const request: TextRequest = {
    method,
    target: pathname + search,
    host,
    headers: keepsConnection ? { ...headers } : { connection: 'close', ...headers },
    body,
  };
  const endsAt = performance.now() + timeoutMs;
  const limits = { timeoutMs, maxBytes, signal };
  try {
    return await exchangeTextOver(keepsConnection ? keptConnection(origin) : newConnection(origin), request, limits);
  } catch (error) {
    if (!mayBeSentAgain(error, method)) throw systemErrorOf(error);
  }
  const rest = { ...limits, timeoutMs: Math.max(1, endsAt - performance.now()) };
  return exchangeTextOver(newConnection(origin), request, rest).catch((error: unknown) => {
    throw systemErrorOf(error);
  });
}

/** The server closed a kept connection while the request was on its way, and the request may be done twice. */
function mayBeSentAgain(error: unknown, method: string): boolean {
  return error instanceof UpstreamFailure && error.wasReused && error.stage !== 'body' && method === 'GET';
}

/** What the system or the parser said, where a broken connection is due to that. */
function systemErrorOf(error: unknown): unknown {
  return error instanceof UpstreamFailure ? (error.cause ?? error) : error;
}

function newConnection(origin: string): UpstreamConnection {
  return unheld(new UpstreamConnection(connectTo(origin), (connection) => connection.destroy()));
}

function keptConnection(origin: string): UpstreamConnection {
  return unheld(poolOf(origin).acquire());
}

/** What keeps a process from ending is an exchange, by its timer; a connection that waits for the next one does not. */
function unheld(connection: UpstreamConnection): UpstreamConnection {
  connection.unref();
  return connection;
}

function poolOf(origin: string): UpstreamPool {
  const known = pools.get(origin);
  if (known !== undefined) return known;
  const pool = new UpstreamPool(connectTo(origin));
  pools.set(origin, pool);
  if (pools.size > maxPools) {
    const [oldest, itsPool] = pools.entries().next().value!;
    itsPool.close();
    pools.delete(oldest);
  }
  return pool;
}
