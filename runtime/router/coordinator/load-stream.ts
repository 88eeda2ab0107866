import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import { bearerHeaders } from '../../shared/auth.ts';
import { describeError } from '../../shared/errors.ts';
import { type LoadReport, loadPath } from '../../shared/protocol.ts';
import { loadReportSchema } from '../../shared/protocol-schemas.ts';
import { EventSplitter, eventStreamType } from '../../shared/sse.ts';

export interface LoadStreamOptions {
  readonly host: string;
  readonly port: number;
  /** Bearer secret of the fleet; undefined when it has none. */
  readonly secret: string | undefined;
  readonly agent: http.Agent;
  /** Longest wait for the stream: a machine that is gone does not refuse a connection, it says nothing. */
  readonly openTimeoutMs: number;
  /** The runner has taken the stream. */
  readonly onOpen: () => void;
  readonly onReport: (report: LoadReport) => void;
  /** The first event of the stream that is no report; it and all others like it are skipped. */
  readonly onGarbage: (detail: string) => void;
  /** Once, unless the stream is closed from here. */
  readonly onEnd: (end: LoadStreamEnd) => void;
}

export interface LoadStreamEnd {
  /** What the runner answered instead of a stream; undefined when there was no answer or the stream broke off. */
  readonly refusedWith: number | undefined;
  readonly detail: string;
}

const maxReportLength = 4_096;

/** One load stream of one runner (`GET /internal/load`), from the first packet to its end. It does not reconnect. */
export class LoadStream {
  readonly #options: LoadStreamOptions;
  readonly #request: ClientRequest | undefined;
  readonly #splitter = new EventSplitter(maxReportLength);
  readonly #openTimer: NodeJS.Timeout;
  #hasEnded = false;
  #hasSeenGarbage = false;
  #isHeard = false;
  #silentLooks = 0;

  constructor(options: LoadStreamOptions) {
    this.#options = options;
    try {
      this.#request = this.#send();
    } catch (error) {
      // A host that cannot stand in a request.
      queueMicrotask(() => this.#end(undefined, describeError(error)));
    }
    this.#openTimer = setTimeout(
      () => this.#end(undefined, 'it did not answer in time'),
      options.openTimeoutMs,
    ).unref();
  }

  /**
   * Ends the stream when nothing has come between so many calls. Counting looks, not time: after this process stood still
   * what its sockets hold is read before the next look.
   */
  look(maxSilentLooks: number): void {
    this.#silentLooks = this.#isHeard ? 0 : this.#silentLooks + 1;
    this.#isHeard = false;
    if (this.#silentLooks >= maxSilentLooks) this.#end(undefined, 'it has fallen silent');
  }

  /** Nobody hears of it any more. */
  close(): void {
    this.#hasEnded = true;
    clearTimeout(this.#openTimer);
    this.#request?.destroy();
  }

  #send(): ClientRequest {
    const { host, port, secret, agent } = this.#options;
    const headers = { accept: eventStreamType, ...bearerHeaders(secret) };
    const request = http.get({ host, port, path: loadPath, agent, headers });
    request.once('response', (response) => this.#open(response));
    request.on('error', (error) => this.#end(undefined, describeError(error)));
    return request;
  }

  #open(response: IncomingMessage): void {
    response.on('error', (error) => this.#end(undefined, describeError(error)));
    const { statusCode, headers } = response;
    const isStream = statusCode === 200 && headers['content-type']?.startsWith(eventStreamType);
    if (!isStream) {
      this.#end(statusCode, `it answered ${statusCode} instead of an event stream`);
      return;
    }
    clearTimeout(this.#openTimer);
    response.on('data', (bytes: Buffer) => this.#take(bytes));
    response.once('end', () => this.#end(undefined, 'the runner ended it'));
    this.#options.onOpen();
  }

  #take(bytes: Buffer): void {
    this.#isHeard = true;
    try {
      for (const payload of this.#splitter.push(bytes)) {
        if (this.#hasEnded) return;
        this.#read(payload);
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#end(undefined, error.message);
    }
  }

  #read(payload: string): void {
    const parsed = loadReportSchema.safeParse(parseJson(payload));
    if (parsed.success) {
      this.#options.onReport(parsed.data);
    } else if (!this.#hasSeenGarbage) {
      this.#hasSeenGarbage = true;
      const { path, message } = parsed.error.issues[0]!;
      this.#options.onGarbage(`${path.join('.') || 'event'}: ${message}`);
    }
  }

  #end(refusedWith: number | undefined, detail: string): void {
    if (this.#hasEnded) return;
    this.close();
    this.#options.onEnd({ refusedWith, detail });
  }
}

/** @returns undefined for what is no JSON, which is no report either */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
