import type { ResponseHead } from './response-parser.ts';
import type { ExchangeHandler, UpstreamConnection, UpstreamFailure } from './upstream-connection.ts';

export interface TextRequest {
  readonly method: string;
  /** Path and query, as they go into the request line. */
  readonly target: string;
  /** `host:port` as the server is addressed. */
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface TextLimits {
  /** For the whole exchange, in ms; a fraction is fine. */
  readonly timeoutMs: number;
  /** A longer answer is given up. */
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
}

export interface TextAnswer {
  readonly status: number;
  /** Names and values in turn, as sent. */
  readonly rawHeaders: readonly string[];
  readonly text: string;
}

/** What a header's value may hold (RFC 9110 section 5.5); a line end in it would begin a header of its own. */
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * One request over `connection`, and the text of its answer. The connection goes back to its pool or closes by itself.
 * @throws the signal's reason; a DOMException named `TimeoutError`; RangeError for an answer too long; TypeError, without
 * the value, for a header that HTTP cannot carry; UpstreamFailure for a connection that broke
 */
export function exchangeTextOver(
  connection: UpstreamConnection,
  request: TextRequest,
  limits: TextLimits,
): Promise<TextAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<TextAnswer>();
  const { signal, timeoutMs, maxBytes } = limits;
  const settle = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  };
  const giveUp = (reason: unknown) => {
    settle();
    connection.destroy();
    reject(reason);
  };
  const late = () => giveUp(new DOMException(`no answer within ${Math.round(timeoutMs)} ms`, 'TimeoutError'));
  const timer = setTimeout(late, timeoutMs);
  const onAbort = () => giveUp(signal?.reason);
  signal?.addEventListener('abort', onAbort);
  try {
    signal?.throwIfAborted();
    const body = request.body === undefined ? [] : [Buffer.from(request.body)];
    connection.send(headOf(request, body[0]), body, new AnswerCollector({ maxBytes, resolve, reject, giveUp, settle }));
  } catch (error) {
    giveUp(error);
  }
  return promise;
}

function headOf({ method, target, host, headers }: TextRequest, body: Buffer | undefined): string {
  let head = `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\naccept: */*\r\n`;
  for (const name in headers) {
    const value = headers[name]!;
    if (!headerValue.test(value)) throw new TypeError(`The header ${name} has characters that HTTP cannot carry.`);
    head += `${name}: ${value}\r\n`;
  }
  // RFC 9110 section 8.6: a method that has a body says also that it is empty.
  const hasLength = body !== undefined || method === 'POST' || method === 'PUT';
  return hasLength ? `${head}content-length: ${body?.length ?? 0}\r\n\r\n` : `${head}\r\n`;
}

interface CollectorOptions {
  readonly maxBytes: number;
  readonly resolve: (answer: TextAnswer) => void;
  readonly reject: (reason: unknown) => void;
  /** Settles, drops the connection and rejects. */
  readonly giveUp: (reason: unknown) => void;
  /** Nothing is to be waited for any more. */
  readonly settle: () => void;
}

class AnswerCollector implements ExchangeHandler {
  readonly #options: CollectorOptions;
  readonly #parts: Buffer[] = [];
  #head: ResponseHead | undefined;
  #bytes = 0;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  onHead(head: ResponseHead): void {
    this.#head = head;
  }

  onBody(bytes: Buffer): void {
    const { maxBytes, giveUp } = this.#options;
    this.#bytes += bytes.length;
    if (this.#bytes <= maxBytes) this.#parts.push(bytes);
    else giveUp(new RangeError(`the answer is longer than ${maxBytes} bytes`));
  }

  onEnd(): void {
    const { status, rawHeaders } = this.#head!;
    this.#options.settle();
    this.#options.resolve({ status, rawHeaders, text: textOf(this.#parts) });
  }

  onFailure(error: UpstreamFailure): void {
    this.#options.settle();
    this.#options.reject(error);
  }
}

function textOf(parts: readonly Buffer[]): string {
  return (parts.length === 1 ? parts[0]! : Buffer.concat(parts)).toString('utf8');
}
