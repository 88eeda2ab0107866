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
    super({ allowHalfOpen: true, decodeStrings: false });
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

  override _write(bytes: Buffer | string, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#socket.destroyed) {
      done(new Error('the client is gone'));
      return;
    }
    // A client that keeps up is not waited for: what is written last has then left, should all be closed just after it.
    let isTaken = true;
    isTaken = this.#socket.write(bytes, encoding, (error) => {
      if (!isTaken) done(error);
    });
    if (isTaken) done();
  }

  /** All that the server holds together leaves together. */
  override _writev(
    pieces: { chunk: Buffer | string; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    const last = pieces.pop()!;
    this.#socket.cork();
    for (const { chunk, encoding } of pieces) this.#socket.write(chunk, encoding);
    this._write(last.chunk, last.encoding, done);
    this.#socket.uncork();
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
