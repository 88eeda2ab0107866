import { HttpStatusError } from '../../shared/call-json.ts';
import { connectTo } from '../../shared/http/connect.ts';
import { exchangeTextOver, type TextAnswer } from '../../shared/http/text-exchange.ts';
import { UpstreamPool } from '../../shared/http/upstream-pool.ts';
import type { EngineTls } from '../tls.ts';

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
    this.pool = new UpstreamPool(connectTo(url, access.tls));
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

  #exchange(path: string, { body, timeoutMs, signal }: EngineCall): Promise<TextAnswer> {
    const { apiKey } = this.#access;
    const request = {
      method: body === undefined ? 'GET' : 'POST',
      target: path,
      host: this.host,
      headers: {
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    };
    // A fresh connection: the call is to tell how the engine is, not how an old connection is.
    return exchangeTextOver(this.pool.fresh(), request, { timeoutMs, maxBytes: maxAnswerBytes, signal });
  }
}
