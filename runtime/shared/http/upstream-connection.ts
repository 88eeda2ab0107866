import type net from 'node:net';
import type { Connect } from './connect.ts';
import { type ResponseHandler, type ResponseHead, ResponseParser } from './response-parser.ts';

/** What the caller learns of one exchange, in order: head, body parts, then end or failure, once. */
export interface ExchangeHandler {
  onHead(head: ResponseHead): void;
  onBody(bytes: Buffer): void;
  onEnd(): void;
  /** The exchange broke: connect error, reset, bad HTTP, or a close in the middle. */
  onFailure(error: UpstreamFailure): void;
}

/** `stage` says how far the exchange got, which decides what may be done about it. */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure';
  readonly stage: 'connect' | 'request' | 'head' | 'body';
  /** The server may have closed the idle connection just before this request: nothing was processed. */
  readonly wasReused: boolean;

  constructor(stage: UpstreamFailure['stage'], wasReused: boolean, message: string, cause?: unknown) {
    super(message, { cause });
    this.stage = stage;
    this.wasReused = wasReused;
  }
}

/** Below this one copy and one write cost less than a list of writes. */
const maxJoinedBytes = 16 * 1024;

/**
 * One connection to a server, carrying one exchange at a time. Never half-closes: SGLang takes a FIN for a client that
 * left. Raw `net` rather than an HTTP client: it costs half the CPU, and the relay needs nothing of the rest.
 */
export class UpstreamConnection implements ResponseHandler {
  readonly #socket: net.Socket;
  readonly #onIdle: (connection: UpstreamConnection) => void;
  #parser: ResponseParser;
  #exchange: ExchangeHandler | undefined;
  #stage: UpstreamFailure['stage'] = 'connect';
  #exchanges = 0;
  /** When the connection became idle, ms on the performance clock. */
  idleSince = 0;

  /**
   * @param connect makes the socket, which gives what it receives to its argument
   * @param onIdle called whenever an exchange ended and the connection may carry another
   */
  constructor(connect: Connect, onIdle: (connection: UpstreamConnection) => void) {
    this.#onIdle = onIdle;
    this.#parser = new ResponseParser(this);
    this.#socket = connect((bytes) => this.#onData(bytes));
    this.#socket.on('connect', () => {
      if (this.#stage === 'connect') this.#stage = 'request';
    });
    this.#socket.on('end', () => this.#onClosed('the server closed the connection'));
    this.#socket.on('error', (error) => this.#onClosed(error.message, error));
    this.#socket.on('close', () => this.#onClosed('the connection closed'));
  }

  get isUsable(): boolean {
    return !this.#socket.destroyed && this.#socket.readyState !== 'closed' && this.#exchange === undefined;
  }

  /**
   * Sends one request; `head` ends with the empty line.
   * @param onWritten called once when `body` is not read any more: it is written, or the connection is gone
   */
  send(head: string, body: readonly Uint8Array[], handler: ExchangeHandler, onWritten?: () => void): void {
    this.#exchange = handler;
    this.#exchanges++;
    if (this.#stage !== 'connect') this.#stage = 'request';
    const bytes = body.reduce((total, part) => total + part.length, head.length);
    if (bytes <= maxJoinedBytes) {
      this.#socket.write(Buffer.concat([Buffer.from(head, 'latin1'), ...body], bytes));
      onWritten?.();
      return;
    }
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    // Parts are written in turn, and Node calls back also for what it gave up: the last one speaks for all.
    for (let i = 0; i < body.length; i++) this.#socket.write(body[i]!, i === body.length - 1 ? onWritten : undefined);
    this.#socket.uncork();
  }

  /** From now on it does not keep the process from ending. */
  unref(): void {
    this.#socket.unref();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Drops the connection without telling the exchange's handler. */
  destroy(): void {
    this.#exchange = undefined;
    this.#socket.destroy();
  }

  #onData(bytes: Buffer): void {
    if (!this.#exchange) {
      // Nothing was asked: an unsolicited answer (408, or garbage) makes the connection useless.
      this.destroy();
      return;
    }
    if (this.#stage === 'request') this.#stage = 'head';
    try {
      this.#parser.push(bytes);
    } catch (error) {
      this.#fail((error as Error).message, error);
    }
  }

  onHead(head: ResponseHead): void {
    this.#stage = 'body';
    this.#exchange?.onHead(head);
  }

  onBody(bytes: Buffer): void {
    this.#exchange?.onBody(bytes);
  }

  onEnd(reusable: boolean): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#parser = new ResponseParser(this);
    this.#stage = 'request';
    this.#socket.resume();
    // A server that answered before it had read the request may never read the rest of it.
    const isSent = this.#socket.writableLength === 0;
    if (reusable && isSent && !this.#socket.destroyed) this.#onIdle(this);
    else this.#socket.destroy();
    exchange?.onEnd();
  }

  #onClosed(message: string, cause?: unknown): void {
    if (this.#exchange && this.#parser.end()) return;
    if (this.#exchange) this.#fail(message, cause);
    else this.#socket.destroy();
  }

  #fail(message: string, cause: unknown): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#socket.destroy();
    exchange?.onFailure(new UpstreamFailure(this.#stage, this.#exchanges > 1, message, cause));
  }
}
