import type { SessionView } from '../../runtime/router/sessions/session-view.ts';
import { EventSplitter } from '../../runtime/shared/sse.ts';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

/** One event of a stream, parsed; `[DONE]` as text. */
export type StreamEvent = '[DONE]' | Record<string, unknown>;

/** A client of the sessions API, with or without an API key. */
export class SessionClient {
  readonly #url: string;
  readonly #key: string | undefined;
  readonly #timeoutMs: number | undefined;

  /** @param timeoutMs for each call with its whole answer; default none */
  constructor(routerUrl: string, key?: string, timeoutMs?: number) {
    this.#url = routerUrl;
    this.#key = key;
    this.#timeoutMs = timeoutMs;
  }

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answered> {
    const response = await this.#fetch(method, path, body, headers);
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
  }

  /** A new session; fails when it is refused. */
  async create(body: object = {}): Promise<SessionView> {
    const created = await this.call('POST', '/api/sessions', body);
    if (created.status !== 201) throw new Error(`${created.status} ${JSON.stringify(created.body)}`);
    return created.body as SessionView;
  }

  get(id: string): Promise<Answered> {
    return this.call('GET', `/api/sessions/${id}`);
  }

  /** The contents of the transcript. */
  async transcript(id: string): Promise<string[]> {
    return ((await this.get(id)).body.messages as { content: string }[]).map(({ content }) => content);
  }

  /** `pause` or `resume`. */
  post(id: string, action: string): Promise<Answered> {
    return this.call('POST', `/api/sessions/${id}/${action}`);
  }

  /** Sends a message for one JSON answer. */
  ask(id: string, content: string, headers: Record<string, string> = {}): Promise<Answered> {
    return this.call('POST', `/api/sessions/${id}/messages`, { content, stream: false }, headers);
  }

  /** Sends a message for a stream; resolves with its head. */
  async stream(id: string, content: string, headers: Record<string, string> = {}): Promise<EventReader> {
    const response = await this.#fetch('POST', `/api/sessions/${id}/messages`, { content }, headers);
    return new EventReader(response);
  }

  #fetch(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Response> {
    return fetch(`${this.#url}${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(this.#key !== undefined && { authorization: `Bearer ${this.#key}` }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(this.#timeoutMs !== undefined && { signal: AbortSignal.timeout(this.#timeoutMs) }),
    });
  }
}

/** The events of one answer, one at a time. */
export class EventReader {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #splitter = new EventSplitter();
  readonly #events: StreamEvent[] = [];
  /** Everything as it came, comments included. */
  text = '';

  constructor(response: Response) {
    this.response = response;
    this.#reader = response.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  }

  /** The next event; undefined at the end. */
  async next(): Promise<StreamEvent | undefined> {
    while (this.#events.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.text += Buffer.from(value).toString();
      for (const payload of this.#splitter.push(value)) {
        this.#events.push(payload === '[DONE]' ? payload : (JSON.parse(payload) as StreamEvent));
      }
    }
    return this.#events.shift();
  }

  async rest(): Promise<StreamEvent[]> {
    const events: StreamEvent[] = [];
    for (let event = await this.next(); event !== undefined; event = await this.next()) events.push(event);
    return events;
  }

  /** Leaves in the middle. */
  async leave(): Promise<void> {
    await this.#reader.cancel();
  }
}
