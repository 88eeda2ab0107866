import {
  Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';

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

export interface TextAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

// SGLang and Node close connections that have been idle for 5 s: they must not be chosen when that is due.
const keptIdleMs = 4_000;
const keptConnections = {
  'http:': new HttpAgent({ keepAlive: true, timeout: keptIdleMs }),
  'https:': new HttpsAgent({ keepAlive: true, timeout: keptIdleMs }),
};

/**
 * Sends a request and takes in the text of its answer, of bounded size, within a bounded time. No redirect is followed, and no
 * proxy taken, whatever the environment says. (`fetch` does the same for
 * twice the CPU and ten times the memory.)
 * @throws the signal's reason; a DOMException named `TimeoutError`; RangeError for an answer too long; an Error that says what is wrong with the URL, the
 * connection or the answer.
 */
export async function exchangeText(url: string, exchange: TextExchange): Promise<TextAnswer> {
  const { signal } = exchange;
  signal?.throwIfAborted();
  // AbortSignal.timeout refuses fractions, which scaled times are.
  const timeout = AbortSignal.timeout(Math.ceil(exchange.timeoutMs));
  const end = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  try {
    return await send(url, exchange, end);
  } catch (error) {
    throw end.aborted ? end.reason : error;
  }
}

async function send(url: string, exchange: TextExchange, signal: AbortSignal): Promise<TextAnswer> {
  const { method = 'GET', headers, body, keepsConnection, maxBytes } = exchange;
  const isTls = url.startsWith('https:');
  const options: RequestOptions = {
    method,
    headers: { accept: '*/*', ...(!keepsConnection && { connection: 'close' }), ...headers },
    agent: keepsConnection && keptConnections[isTls ? 'https:' : 'http:'],
    signal,
  };
  const { promise, resolve, reject } = Promise.withResolvers<TextAnswer>();
  const request = (isTls ? requestHttps : requestHttp)(url, options, (response) => {
    readText(response, maxBytes).then(
      (text) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      (error) => {
        request.destroy();
        reject(error);
      },
    );
  });
  request.on('error', (error) => {
    // The server closed a kept connection while the request was on its way. What may be done twice is tried on a new one.
    if (request.reusedSocket && method === 'GET' && !signal.aborted) {
      send(url, { ...exchange, keepsConnection: false }, signal).then(resolve, reject);
    } else reject(error);
  });
  request.end(body);
  return promise;
}

/** @throws when the answer is longer than `maxBytes` or breaks off. */
async function readText(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new RangeError(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
