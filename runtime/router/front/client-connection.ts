import type { Socket } from 'node:net';
import { CodedError } from '../../shared/errors.ts';
import { routerError } from '../errors.ts';
import { type BodyPool, HeldBody } from './body-pool.ts';
import { ChunkedDecoder } from './chunked-decoder.ts';
import { ClientRequest } from './client-request.ts';
import { ClientResponse } from './client-response.ts';
import { ControlStream } from './control-stream.ts';
import { type BodyFraming, CountedBody } from './counted-body.ts';
import { cutHead } from './cut-head.ts';
import { frontErrorAnswer } from './front-error.ts';
import { parseRequestHead, type RequestHead } from './request-head.ts';

export interface FrontHandlers {
  /** Whether the relay takes this request target. */
  carries(target: string): boolean;
  relay(request: ClientRequest, response: ClientResponse): void;
  /** Gives Node's HTTP server a connection. */
  control(stream: ControlStream): void;
}

/** Longest times, in ms. */
export interface FrontTimeouts {
  /** Between two requests; longer than that of load balancers in front, so that they and not we close. */
  readonly idleMs: number;
  /** From the first byte of a head to its end. */
  readonly headMs: number;
  /** From the end of a head to the end of its body. */
  readonly bodyMs: number;
  /** How long what a client still sends is read and thrown away after it was refused: a close would hide the answer. */
  readonly lingerMs: number;
}

export interface ConnectionOptions {
  readonly handlers: FrontHandlers;
  readonly timeouts: FrontTimeouts;
  readonly pool: BodyPool;
}

/** Requests that a client sends ahead of their turn are kept up to here; then it is not read until their turn comes. */
const maxAheadBytes = 64 * 1024;
const continueAnswer = 'HTTP/1.1 100 Continue\r\n\r\n';

/**
 * One connection of a client: cuts what arrives into requests, one at a time (RFC 9112), and hands each to the relay or
 * to the control surface. The next request is looked at when the answer to the last one has left.
 */
export class ClientConnection {
  readonly #socket: Socket;
  readonly #handlers: FrontHandlers;
  readonly #timeouts: FrontTimeouts;
  readonly #pool: BodyPool;
  /** Bytes of a head that has not ended yet, or of requests ahead of their turn. */
  #held: Buffer | undefined;
  #framing: BodyFraming | undefined;
  #request: ClientRequest | undefined;
  #response: ClientResponse | undefined;
  #control: ControlStream | undefined;
  /** Whether the control surface has the request; else the relay has. */
  #isControlled = false;
  #isAnswered = true;
  /** Whether what is held ahead will be looked at in a moment. */
  #isResuming = false;
  #isClosing = false;
  #deadlineMs: number;

  /** @param connect starts the reading of the socket that it returns; a piece is only valid during the call */
  constructor(connect: (onData: (bytes: Buffer) => void) => Socket, { handlers, timeouts, pool }: ConnectionOptions) {
    this.#handlers = handlers;
    this.#timeouts = timeouts;
    this.#pool = pool;
    this.#deadlineMs = performance.now() + timeouts.idleMs;
    this.#socket = connect((bytes) => this.#onData(bytes));
    this.#socket.on('error', () => {}); // `close` follows, and says all that is needed.
    this.#socket.on('end', () => this.#socket.destroy()); // Half a connection is a client that left.
    this.#socket.on('close', () => this.#onClose());
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends the connection at once when no request is under way, else behind its answer. */
  closeWhenIdle(): void {
    if (this.#isAnswered && this.#framing === undefined) this.#socket.destroy();
    else this.#isClosing = true;
  }

  /** Ends the connection when it has taken longer than it may. @param nowMs on the performance clock */
  checkDeadline(nowMs: number): void {
    if (nowMs < this.#deadlineMs) return;
    // Nothing of the control surface's answer is known here, so its requests are cut.
    const mayStillRefuse = !this.#isControlled && !this.#response?.headersSent;
    const isWaitingForRequest = this.#isAnswered ? this.#held !== undefined : mayStillRefuse;
    if (isWaitingForRequest && !this.#isClosing) {
      this.#refuse(routerError('REQUEST_TIMEOUT'));
      this.#request?.breakOff(routerError('REQUEST_TIMEOUT'));
    } else this.#socket.destroy();
  }

  #onData(bytes: Buffer): void {
    if (this.#isClosing && this.#isAnswered) return;
    try {
      this.#take(bytes);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      // What a client sent badly is the end of its connection: where the next request begins is not known any more.
      this.#request?.breakOff(error);
      this.#refuse(error);
    }
  }

  #take(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && !this.#socket.destroyed) {
      if (this.#framing !== undefined) {
        at = this.#readBody(this.#framing, bytes, at);
      } else if (!this.#isAnswered || this.#isResuming) {
        this.#keepAhead(bytes.subarray(at));
        return;
      } else if (this.#isClosing) {
        return;
      } else {
        const rest = this.#readHead(bytes.subarray(at));
        if (rest === undefined) return;
        bytes = rest;
        at = 0;
      }
    }
  }

  /** @returns what follows the head and was not its body, undefined when the head has not ended */
  #readHead(bytes: Buffer): Buffer | undefined {
    const isBegun = this.#held !== undefined;
    const { bytes: all, headLength, bodyAt } = cutHead(this.#held ? Buffer.concat([this.#held, bytes]) : bytes);
    if (!isBegun && all.length > 0) this.#deadlineMs = performance.now() + this.#timeouts.headMs;
    if (headLength === undefined) {
      this.#held = all.length === 0 ? undefined : Buffer.from(all);
      return undefined;
    }
    this.#held = undefined;
    const head = parseRequestHead(all.toString('latin1', 0, headLength));
    this.#isAnswered = false;
    this.#isControlled = !this.#handlers.carries(head.target);
    if (this.#isControlled) {
      this.#startControlled(head, all.subarray(0, bodyAt));
      return all.subarray(bodyAt);
    }
    return all.subarray(bodyAt + this.#startRelayed(head, all, bodyAt));
  }

  /** @returns bytes of the body that were taken */
  #startRelayed(head: RequestHead, all: Buffer, bodyAt: number): number {
    const { keepsAlive, takesChunks, contentLength, expectsContinue } = head;
    const response = new ClientResponse({
      socket: this.#socket,
      takesChunks,
      // Whether a client that waits for a go-ahead sends its body behind a refusal cannot be known.
      keepsAlive: keepsAlive && !expectsContinue && !this.#isClosing,
      isHeadOnly: head.method === 'HEAD',
    });
    const request = new ClientRequest(head, this.#pool, () => {
      if (expectsContinue) this.#socket.write(continueAnswer, 'latin1');
    });
    this.#request = request;
    this.#response = response;
    response.once('close', () => this.#onAnswered());
    const isWhole = contentLength !== undefined && contentLength <= all.length - bodyAt;
    if (isWhole) {
      const body = this.#pool.take(contentLength);
      all.copy(body, 0, bodyAt, bodyAt + contentLength);
      request.provide(new HeldBody(body, contentLength, this.#pool));
      this.#deadlineMs = Number.POSITIVE_INFINITY;
    } else {
      this.#expectBody(head);
    }
    this.#handlers.relay(request, response);
    return isWhole ? contentLength : 0;
  }

  #startControlled(head: RequestHead, bytes: Buffer): void {
    if (this.#control === undefined) {
      this.#control = new ControlStream(this.#socket, {
        answered: () => this.#onAnswered(),
        ended: () => this.#finishConnection(),
        full: (isFull) => (isFull ? this.#socket.pause() : this.#socket.resume()),
      });
      this.#handlers.control(this.#control);
    }
    this.#control.feed(bytes);
    this.#expectBody(head);
  }

  #expectBody({ contentLength }: RequestHead): void {
    if (contentLength === 0) {
      this.#deadlineMs = Number.POSITIVE_INFINITY;
      return;
    }
    this.#framing = contentLength === undefined ? new ChunkedDecoder() : new CountedBody(contentLength);
    this.#deadlineMs = performance.now() + this.#timeouts.bodyMs;
  }

  /** @returns the offset behind what belongs to the body */
  #readBody(framing: BodyFraming, bytes: Buffer, at: number): number {
    const request = this.#request;
    const end = framing.push(bytes, at, request?.feed ?? ignore);
    if (this.#isControlled) this.#control!.feed(bytes.subarray(at, end));
    if (!framing.isDone) return end;
    this.#framing = undefined;
    this.#deadlineMs = Number.POSITIVE_INFINITY;
    request?.finish();
    if (this.#isAnswered) this.#next();
    return end;
  }

  #keepAhead(bytes: Buffer): void {
    this.#held = this.#held ? Buffer.concat([this.#held, bytes]) : Buffer.from(bytes);
    if (this.#held.length > maxAheadBytes) this.#socket.pause();
  }

  /** The answer has left, or the connection is gone. */
  #onAnswered(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    const keepsAlive = this.#isControlled || this.#response!.keepsAlive;
    this.#response = undefined;
    if (this.#socket.destroyed) return;
    if (!keepsAlive) this.#finishConnection();
    else if (this.#framing !== undefined) this.#deadlineMs = performance.now() + this.#timeouts.lingerMs;
    else this.#next();
  }

  /** The last request is over in both directions. */
  #next(): void {
    this.#request = undefined;
    if (this.#isClosing) {
      this.#finishConnection();
      return;
    }
    this.#deadlineMs = performance.now() + this.#timeouts.idleMs;
    if (this.#held === undefined) return;
    // Not from within the call that ended the last one: a client that sends thousands ahead would be a deep stack.
    this.#isResuming = true;
    setImmediate(() => this.#resumeAhead());
  }

  #resumeAhead(): void {
    this.#isResuming = false;
    const held = this.#held;
    this.#held = undefined;
    if (this.#socket.destroyed || held === undefined) return;
    this.#socket.resume();
    this.#onData(held);
  }

  /** Nothing follows; what the client still sends is thrown away for a while, so that it can read its answer. */
  #finishConnection(): void {
    this.#isClosing = true;
    this.#framing = undefined;
    this.#held = undefined;
    this.#deadlineMs = performance.now() + this.#timeouts.lingerMs;
    this.#socket.end();
    this.#socket.resume();
  }

  #refuse(error: CodedError): void {
    if (this.#socket.destroyed) return;
    if (this.#isAnswered && this.#framing !== undefined) {
      // What is bad belongs to a request that has had its answer; a second one would be taken for the next request's.
      this.#finishConnection();
      return;
    }
    const isAnswering = !this.#isAnswered && (this.#isControlled || this.#response!.headersSent);
    if (isAnswering) {
      this.#socket.destroy();
      return;
    }
    this.#socket.write(frontErrorAnswer(error), 'latin1');
    this.#isAnswered = true;
    this.#response?.connectionClosed();
    this.#response = undefined;
    this.#finishConnection();
  }

  #onClose(): void {
    this.#request?.breakOff(new Error('the client closed the connection before its request was complete'));
    this.#response?.connectionClosed();
    this.#control?.destroy();
  }
}

function ignore(): void {}
