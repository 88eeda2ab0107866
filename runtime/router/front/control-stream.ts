import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** What a control stream tells the connection that it belongs to. */
export interface ControlOwner {
  /** The answer to the request has left. */
  answered(): void;
  /** Nothing will be answered on this connection any more. */
  ended(): void;
  /** Whether the server reads slower than it is fed. */
  full(isFull: boolean): void;
}

/**
 * Carries the requests of one client connection that are not the relay's to Node's HTTP server, and its answers back.
 * The connection decides which request goes where; to the server this looks like a connection of its own.
 */
export class ControlStream extends Duplex {
  readonly #socket: Socket;
  readonly #owner: ControlOwner;
  /** What Node's server and Fastify read of a socket. */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly encrypted: boolean;

  constructor(socket: Socket, owner: ControlOwner) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#owner = owner;
    this.remoteAddress = socket.remoteAddress;
    this.remotePort = socket.remotePort;
    this.encrypted = 'encrypted' in socket;
  }

  /** Hands over bytes of a request; copies, since the connection reads into one buffer again and again. */
  feed(bytes: Buffer): void {
    if (!this.push(Buffer.from(bytes))) this.#owner.full(true);
  }

  /** For the server's listener: the answer to one request has left. */
  answered(): void {
    this.#owner.answered();
  }

  /** For the server's time-outs; the connection has its own. */
  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  override _read(): void {
    this.#owner.full(false);
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#socket.destroyed) done(new Error('the client is gone'));
    else this.#socket.write(bytes, done);
  }

  override _final(done: () => void): void {
    this.#owner.ended();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
