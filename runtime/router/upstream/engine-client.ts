import { HttpStatusError } from '../../shared/call-json.ts';
import type { EngineTls } from '../tls.ts';
import type { ResponseHead } from './response-parser.ts';
import type { ExchangeHandler, UpstreamFailure } from './upstream-connection.ts';
import { UpstreamPool } from './upstream-pool.ts';

/** How engines are reached; the same for every engine. */
export interface EngineAccess {
  /** For https engines; undefined takes the authorities that Node trusts. */
  readonly tls: EngineTls | undefined;
  /** Sent as a bearer token instead of what the client sent. */
  readonly apiKey: string | undefined;
  /** Whether clients' credentials are those of the fleet, which engines must not see. */
  readonly hidesClientKeys: boolean;
}

/** Engines in a private network without keys of their own, and a fleet without keys. */
export const plainAccess: EngineAccess = { tls: undefined, apiKey: undefined, hidesClientKeys: false };

export interface EngineCall {
  /** Sent as JSON, which makes the call a POST. */
  readonly body?: unknown;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

const maxAnswerBytes = 4 * 1024 * 1024;

/** The router's own connections to one engine: those of clients' requests, and small calls over the same way. */
export class EngineClient {
  readonly pool: UpstreamPool;
  /** `host:port`, for the Host header. */
  readonly host: string;
  readonly #access: EngineAccess;
  readonly #url: string;

  constructor(url: string, access: EngineAccess) {
    this.pool = new UpstreamPool(url, access.tls);
    this.#access = access;
    this.host = new URL(url).host;
    this.#url = url;
  }

  /** Credentials that the router adds to a client's request, as header lines. */
  get addedHeaderLines(): string {
    const { apiKey } = this.#access;
    return apiKey === undefined ? '' : `authorization: Bearer ${apiKey}\r\n`;
  }

  /** Whether the client's own credentials stay behind. */
  get dropsClientKeys(): boolean {
    return this.#access.hidesClientKeys || this.#access.apiKey !== undefined;
  }

  /**
   * Calls the engine and parses its answer as JSON; undefined when it is empty or no JSON, as some of SGLang's are.
   * @throws HttpStatusError for a status outside 200 to 299, else what kept the answer from coming
   */
  async call(path: string, call: EngineCall): Promise<unknown> {
    const { status, text } = await this.#exchange(path, call);
    if (status < 200 || status > 299) throw new HttpStatusError(this.#url + path, status, text);
    try {
      return text === '' ? undefined : (JSON.parse(text) as unknown);
    } catch {
      return undefined;
    }
  }

  #exchange(path: string, { body, timeoutMs, signal }: EngineCall): Promise<Answer> {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const lines = [
      `${payload ? 'POST' : 'GET'} ${path} HTTP/1.1\r\nhost: ${this.host}\r\n`,
      this.addedHeaderLines,
      payload ? `content-type: application/json\r\ncontent-length: ${payload.length}\r\n` : '',
    ];
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    // A fresh connection: the call is to tell how the engine is, not how an old connection is.
    const connection = this.pool.fresh();
    const fail = (detail: string, cause?: unknown) => {
      connection.destroy();
      reject(new Error(`${this.#url}${path}: ${detail}`, { cause }));
    };
    const timer = setTimeout(() => fail(`no answer within ${Math.round(timeoutMs)} ms`), timeoutMs);
    const onAbort = () => fail('the call was ended');
    signal?.addEventListener('abort', onAbort, { once: true });
    connection.send(`${lines.join('')}\r\n`, payload ? [payload] : [], new AnswerCollector(resolve, fail));
    return promise.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    });
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

class AnswerCollector implements ExchangeHandler {
  readonly #resolve: (answer: Answer) => void;
  readonly #fail: (detail: string, cause?: unknown) => void;
  readonly #parts: Buffer[] = [];
  #status = 0;
  #bytes = 0;

  constructor(resolve: (answer: Answer) => void, fail: (detail: string, cause?: unknown) => void) {
    this.#resolve = resolve;
    this.#fail = fail;
  }

  onHead(head: ResponseHead): void {
    this.#status = head.status;
  }

  onBody(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#bytes <= maxAnswerBytes) this.#parts.push(bytes);
    else this.#fail(`the answer exceeds ${maxAnswerBytes} bytes`);
  }

  onEnd(): void {
    this.#resolve({ status: this.#status, text: Buffer.concat(this.#parts).toString() });
  }

  onFailure(error: UpstreamFailure): void {
    this.#fail(error.message, error);
  }
}
