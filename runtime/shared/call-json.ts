/** One JSON call of a control plane. Not for the data plane: it buffers the answer. */
export interface JsonCall {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whole call, in ms. @default 5000 */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** The peer answered, but not with a 2xx status. */
export class HttpStatusError extends Error {
  readonly status: number;
  /** The answer's text, at most 2,000 characters. */
  readonly body: string;

  constructor(url: string, status: number, body: string) {
    super(`${url} answered ${status}: ${body.slice(0, 200)}`);
    this.name = 'HttpStatusError';
    this.status = status;
    this.body = body.slice(0, 2_000);
  }
}

/**
 * Calls `url` and parses the answer as JSON (undefined for an empty one).
 * @throws HttpStatusError for a status outside 200 to 299; TypeError when the peer cannot be reached; a DOMException
 * named `TimeoutError` or `AbortError`; SyntaxError when the answer is not JSON.
 */
export async function callJson(url: string, call: JsonCall = {}): Promise<unknown> {
  // AbortSignal.timeout refuses fractions, which scaled times are.
  const timeout = AbortSignal.timeout(Math.ceil(call.timeoutMs ?? 5_000));
  const response = await fetch(url, {
    method: call.method ?? (call.body === undefined ? 'GET' : 'POST'),
    headers: { ...(call.body !== undefined && { 'content-type': 'application/json' }), ...call.headers },
    ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
    signal: call.signal ? AbortSignal.any([call.signal, timeout]) : timeout,
  });
  const text = await response.text();
  if (!response.ok) throw new HttpStatusError(url, response.status, text);
  return text === '' ? undefined : JSON.parse(text);
}
