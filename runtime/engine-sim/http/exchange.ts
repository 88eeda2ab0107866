import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EngineLog } from '../logs/engine-log.ts';
import { type HeaderPairs, uvicornHeaders } from './uvicorn-headers.ts';

const jsonType = 'application/json';

/** One request and its answer, with the headers and the access log line that uvicorn would produce. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly #search: string;
  readonly #log: EngineLog;
  readonly #onStatus: (status: number) => void;
  #isDisconnected = false;
  #disconnectListeners: (() => void)[] = [];

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    log: EngineLog,
    onStatus: (status: number) => void = () => {},
  ) {
    this.request = request;
    this.response = response;
    this.#log = log;
    this.#onStatus = onStatus;
    this.method = request.method ?? 'GET';
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    this.path = mark < 0 ? url : url.slice(0, mark);
    this.#search = mark < 0 ? '' : url.slice(mark + 1);
    this.#watchDisconnect();
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.#search);
  }

  get isDisconnected(): boolean {
    return this.#isDisconnected;
  }

  get hasStarted(): boolean {
    return this.response.headersSent;
  }

  /** Calls back once when the client closes or half-closes the connection before the answer is complete. */
  onDisconnect(listener: () => void): void {
    if (this.#isDisconnected) listener();
    else this.#disconnectListeners.push(listener);
  }

  /** The text of the whole request body. Rejects when the client goes away first. */
  readBody(): Promise<string> {
    const { request } = this;
    return new Promise((resolve, reject) => {
      let chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.once('end', () => {
        resolve(joinedText(chunks));
        // The request outlives its answer's first byte by far; the bytes of its body need not.
        chunks = [];
      });
      request.once('error', reject);
    });
  }

  sendJson(status: number, value: unknown, extraHeaders: HeaderPairs = []): void {
    this.send(status, JSON.stringify(value), jsonType, { extraHeaders });
  }

  /** A body of known length. Without a content type there is no such header, as for SGLang's empty answers. */
  send(
    status: number,
    body: string,
    contentType?: string,
    { extraHeaders = [], hasVary = true }: { extraHeaders?: HeaderPairs; hasVary?: boolean } = {},
  ): void {
    const typeHeader: HeaderPairs = contentType === undefined ? [] : [['content-type', contentType]];
    const length = String(Buffer.byteLength(body));
    this.#start(status, [...extraHeaders, ['content-length', length], ...typeHeader], false, hasVary);
    this.response.end(this.method === 'HEAD' ? undefined : body);
  }

  /** Sends exactly these headers after `server`: for answers that are no ordinary body. */
  sendRaw(status: number, headers: HeaderPairs, body: string, hasVary = false): void {
    this.#start(status, headers, false, hasVary);
    this.response.end(body);
  }

  /** Starts an answer of unknown length. */
  startStream(contentType: string, headerName = 'content-type'): void {
    this.#start(200, [[headerName, contentType]], this.request.httpVersion !== '1.0', true);
    this.response.flushHeaders();
  }

  /** Writes and then closes the connection without the last chunk. */
  writeAndCut(text: string): void {
    const { socket } = this.request;
    if (text === '') {
      socket.destroy();
    } else {
      this.write(text);
      socket.write('', () => socket.destroy());
    }
  }

  /** A JSON body of which only the first `length` characters come, then the end of the connection. */
  sendTruncated(body: string, length: number, statedBytes = Buffer.byteLength(body)): void {
    const { socket } = this.request;
    this.#start(
      200,
      [
        ['content-length', String(statedBytes)],
        ['content-type', jsonType],
      ],
      false,
      true,
    );
    this.response.write(body.slice(0, length), () => socket.destroy());
  }

  /**
   * Part of a stream. While this is the connection's current answer the chunk is framed here and written in one piece:
   * `response.write` makes three, which is half the cost of a simulated token.
   */
  write(text: string): void {
    const { response } = this;
    const { socket } = response;
    if (socket === null || !response.chunkedEncoding || response.writableLength > 0) {
      response.write(text);
      return;
    }
    const bytes = Buffer.byteLength(text);
    const chunk = `${bytes.toString(16)}\r\n${text}\r\n`;
    socket.write(chunk, bytes === text.length ? 'latin1' : 'utf8');
  }

  end(): void {
    this.response.end();
  }

  /** Cuts the connection with a reset. */
  reset(): void {
    this.request.socket.resetAndDestroy();
  }

  #start(status: number, headers: HeaderPairs, isChunked: boolean, hasVary: boolean): void {
    const { request, response } = this;
    response.sendDate = false;
    response.removeHeader('connection');
    const closesConnection = !response.shouldKeepAlive;
    const origin = request.headers.origin;
    response.writeHead(status, uvicornHeaders({ headers, isChunked, closesConnection, hasVary, origin }));
    this.#onStatus(status);
    const { remoteAddress = '-', remotePort = 0 } = request.socket;
    const client = `${remoteAddress.replace(/^::ffff:/, '')}:${remotePort}`;
    this.#log.access(
      { client, method: this.method, url: request.url ?? '/', httpVersion: request.httpVersion },
      status,
    );
  }

  #watchDisconnect(): void {
    const { socket } = this.request;
    const leave = () => {
      if (this.#isDisconnected || this.response.writableFinished) return;
      this.#isDisconnected = true;
      const listeners = this.#disconnectListeners;
      this.#disconnectListeners = [];
      for (const listener of listeners) listener();
    };
    // SGLang takes the end of the request side for a disconnect, so a half-close counts.
    socket.once('end', leave);
    this.response.once('close', () => {
      socket.off('end', leave);
      leave();
    });
  }
}

let joined = Buffer.allocUnsafeSlow(64 * 1_024);

/** Prompts are large and come in pieces: they are joined in one buffer that is kept, so that none is left as garbage. */
function joinedText(chunks: readonly Buffer[]): string {
  if (chunks.length === 1) return chunks[0]!.toString('utf8');
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (length > joined.length) joined = Buffer.allocUnsafeSlow(2 * length);
  let at = 0;
  for (const chunk of chunks) at += chunk.copy(joined, at);
  return joined.toString('utf8', 0, length);
}
