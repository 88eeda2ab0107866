import net from 'node:net';

export interface AnswerHandler {
  /** Bytes of the body as they came, chunk framing included. */
  onBody?(bytes: Buffer): void;
  onEnd(status: number): void;
  onFailure(reason: string): void;
}

/** A client's connection that carries one request at a time and looks at answers no closer than it must. */
export class ClientConnection {
  readonly #socket: net.Socket;
  #handler: AnswerHandler | undefined;
  #head = '';
  #status = 0;
  #isReadingBody = false;
  #left: number | 'chunked' | 'until-close' = 0;
  #closesAfter = false;
  #tail = '';

  constructor(port: number) {
    this.#socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    this.#socket.on('error', (error) => this.#fail(error.message));
    this.#socket.on('end', () => {
      if (this.#isReadingBody && this.#left === 'until-close') this.#end();
      else this.#fail('closed before the end of the answer');
    });
    this.#socket.on('close', () => this.#fail('closed'));
  }

  get isUsable(): boolean {
    return !this.#socket.destroyed && this.#handler === undefined;
  }

  get socket(): net.Socket {
    return this.#socket;
  }

  send(parts: readonly Uint8Array[], handler: AnswerHandler): void {
    this.#handler = handler;
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    this.#socket.uncork();
  }

  /** Leaves without telling the handler. */
  destroy(): void {
    this.#handler = undefined;
    this.#socket.destroy();
  }

  #onData(bytes: Buffer): void {
    if (this.#isReadingBody) {
      this.#onBody(bytes);
      return;
    }
    const before = this.#head.length;
    this.#head += bytes.toString('latin1');
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.#begin(this.#head.slice(0, end));
    const bodyAt = end + 4 - before;
    if (this.#left === 0) this.#end();
    else if (bodyAt < bytes.length) this.#onBody(bytes.subarray(bodyAt));
  }

  #begin(head: string): void {
    this.#head = '';
    this.#tail = '';
    this.#isReadingBody = true;
    this.#status = Number(head.slice(9, 12));
    this.#closesAfter = /connection: *close/i.test(head);
    const length = head.match(/content-length: *(\d+)/i)?.[1];
    if (length !== undefined) this.#left = Number(length);
    else this.#left = /transfer-encoding: *chunked/i.test(head) ? 'chunked' : 'until-close';
  }

  #onBody(bytes: Buffer): void {
    this.#handler?.onBody?.(bytes);
    if (typeof this.#left === 'number') {
      this.#left -= bytes.length;
      if (this.#left <= 0) this.#end();
    } else if (this.#left === 'chunked') {
      // Event bodies hold no carriage returns, so the end of the last chunk is unmistakable.
      this.#tail = (this.#tail + bytes.toString('latin1', Math.max(0, bytes.length - 7))).slice(-7);
      if (this.#tail.endsWith('\r\n0\r\n\r\n')) this.#end();
    }
  }

  #end(): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.#isReadingBody = false;
    if (this.#closesAfter) this.#socket.destroy();
    handler?.onEnd(this.#status);
  }

  #fail(reason: string): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.#socket.destroy();
    handler?.onFailure(reason);
  }
}

/** Kept connections to one port. */
export class ConnectionPool {
  readonly #port: number;
  readonly #idle: ClientConnection[] = [];
  readonly #all = new Set<ClientConnection>();

  constructor(port: number) {
    this.#port = port;
  }

  take(): ClientConnection {
    for (let kept = this.#idle.pop(); kept; kept = this.#idle.pop()) {
      if (kept.isUsable) return kept;
      this.#all.delete(kept);
    }
    const connection = new ClientConnection(this.#port);
    this.#all.add(connection);
    return connection;
  }

  giveBack(connection: ClientConnection): void {
    if (connection.isUsable) this.#idle.push(connection);
    else this.#all.delete(connection);
  }

  close(): void {
    for (const connection of this.#all) connection.destroy();
  }
}
