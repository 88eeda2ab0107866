import { exchangeText } from './http/exchange-text.ts';

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

/** More than any answer of a control plane: a list of 2,000 workers is 1 MB. */
const maxAnswerBytes = 64 * 1_024 * 1_024;

/**
 * Calls `url` and parses the answer as JSON (undefined for an empty one).
 * @throws HttpStatusError for a status outside 200 to 299; SyntaxError when the answer is not JSON; see `exchangeText`.
 */
export async function callJson(url: string, call: JsonCall = {}): Promise<unknown> {
  const { status, text } = await exchangeText(url, {
    method: call.method ?? (call.body === undefined ? 'GET' : 'POST'),
    headers: { ...(call.body !== undefined && { 'content-type': 'application/json' }), ...call.headers },
    body: call.body === undefined ? undefined : JSON.stringify(call.body),
    timeoutMs: call.timeoutMs ?? 5_000,
    maxBytes: maxAnswerBytes,
    signal: call.signal,
    keepsConnection: true,
  });
  if (status < 200 || status > 299) throw new HttpStatusError(url, status, text);
  return text === '' ? undefined : JSON.parse(text);
}
