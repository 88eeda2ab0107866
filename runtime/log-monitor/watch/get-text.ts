import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface GetTextOptions {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** For the whole exchange, in ms. */
  readonly timeoutMs: number;
  /** A longer answer is given up. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a GET came to. `refused`: nothing listens, so the server does not run. `failed`: everything else that is no
 * answer (a time-out, a broken connection, an answer that is too long).
 */
export type GetTextResult =
  | { readonly kind: 'answer'; readonly status: number; readonly text: string }
  | { readonly kind: 'refused' | 'failed'; readonly reason: string };

/**
 * Gets a text of bounded size within a bounded time, over a connection of its own: SGLang closes idle ones after 5 s.
 * Rejects only with the signal's reason. (`fetch` would do the same for ten times the memory.)
 */
export async function getText(url: string, options: GetTextOptions): Promise<GetTextResult> {
  const { headers, timeoutMs, signal } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const requestOptions: RequestOptions = {
    headers: { accept: '*/*', connection: 'close', ...headers },
    agent: false,
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  };
  const { promise, resolve, reject } = Promise.withResolvers<GetTextResult>();
  const fail = (error: NodeJS.ErrnoException) => {
    if (signal?.aborted) return reject(signal.reason);
    const reason = timeout.aborted ? `no answer within ${timeoutMs} ms` : error.message;
    resolve({ kind: error.code === 'ECONNREFUSED' ? 'refused' : 'failed', reason });
  };
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  const request = send(url, requestOptions, (response) => {
    readText(response, options.maxBytes).then(
      (text) => resolve({ kind: 'answer', status: response.statusCode ?? 0, text }),
      (error) => {
        request.destroy();
        fail(error);
      },
    );
  });
  request.on('error', fail);
  request.end();
  return promise;
}

/** @throws when the answer is longer than `maxBytes` or breaks off. */
async function readText(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
