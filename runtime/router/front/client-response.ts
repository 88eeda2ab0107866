import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

/** Above this a copy costs more than a list of writes. */
const maxJoinedBytes = 16 * 1024;
const lastChunk = Buffer.from('0\r\n\r\n');

export interface ClientResponseOptions {
  readonly socket: Socket;
  /** Whether the client takes chunks. */
  readonly takesChunks: boolean;
  /** Whether the connection stays open behind this answer. */
  readonly keepsAlive: boolean;
  /** Whether only the head is wanted: the request was a HEAD. */
  readonly isHeadOnly?: boolean;
}

interface ClientResponseEvents {
  /** It is over: all of it has left, or the connection is gone. */
  close: [];
  /** The client takes more. */
  drain: [];
}

/**
 * The answer to one request, framed here: of known length as its headers say, else in chunks (RFC 9112 section 7.1), else
 * up to the end of the connection. What goes out together goes in one write.
 */
export class ClientResponse extends EventEmitter<ClientResponseEvents> {
  readonly #socket: Socket;
  readonly #takesChunks: boolean;
  readonly #isHeadOnly: boolean;
  #keepsAlive: boolean;
  /** Status and headers that wait for the first bytes of the body, to leave with them. */
  #head: string | undefined;
  #framing: 'none' | 'length' | 'chunked' | 'close' = 'none';
  /** Bytes of the body that were announced and not yet written. */
  #left = 0;
  #headersSent = false;
  #awaitsDrain = false;
  #isEnded = false;
  #isFinished = false;
  #isClosed = false;

  constructor({ socket, takesChunks, keepsAlive, isHeadOnly = false }: ClientResponseOptions) {
    super();
    this.#socket = socket;
    this.#takesChunks = takesChunks;
    this.#isHeadOnly = isHeadOnly;
    this.#keepsAlive = keepsAlive;
  }

  /** Whether status and headers are decided. */
  get headersSent(): boolean {
    return this.#headersSent;
  }

  /** Whether it ended and all of it has left for the client. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** Whether nothing can be sent any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether another request may follow on the connection. */
  get keepsAlive(): boolean {
    return this.#keepsAlive;
  }

  /** The connection closes behind this answer. To be called before the headers are written. */
  closeAfter(): void {
    this.#keepsAlive = false;
  }

  /** @param headers names and values in turn; the framing is added: a body without Content-Length goes in chunks */
  writeHead(status: number, reason: string, headers: readonly string[]): void {
    this.#headersSent = true;
    let head = `HTTP/1.1 ${status} ${reason}\r\n`;
    let length: number | undefined;
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i]!;
      if (name.length === 14 && name.toLowerCase() === 'content-length') length = Number(headers[i + 1]);
      head += `${name}: ${headers[i + 1]}\r\n`;
    }
    if (this.#isHeadOnly || status === 204 || status === 304) this.#framing = 'none';
    else if (length !== undefined) {
      this.#framing = 'length';
      this.#left = length;
    } else if (this.#takesChunks) {
      this.#framing = 'chunked';
      head += 'transfer-encoding: chunked\r\n';
    } else {
      this.#framing = 'close';
      this.#keepsAlive = false;
    }
    if (!this.#keepsAlive) head += 'connection: close\r\n';
    else if (!this.#takesChunks) head += 'connection: keep-alive\r\n';
    this.#head = `${head}\r\n`;
  }

  /**
   * More than was announced cuts the connection: its rest would be read as the next answer.
   * @returns false when the client reads slower than this is called: wait for `drain`
   */
  write(bytes: Buffer): boolean {
    // A chunk of no bytes would end the body.
    if (this.#isClosed || this.#isEnded || this.#framing === 'none' || bytes.length === 0) return true;
    if (this.#framing === 'length') {
      this.#left -= bytes.length;
      if (this.#left < 0) {
        this.destroy();
        return true;
      }
    }
    const head = this.#head;
    this.#head = undefined;
    const isChunked = this.#framing === 'chunked';
    const mayGoOn =
      bytes.length <= maxJoinedBytes
        ? this.#socket.write(isChunked ? chunkOf(head, bytes) : head === undefined ? bytes : joined(head, bytes))
        : this.#writeParts(head, bytes, isChunked);
    if (!mayGoOn && !this.#awaitsDrain) {
      this.#awaitsDrain = true;
      this.#socket.once('drain', this.#onDrain);
    }
    return mayGoOn;
  }

  /** Ends the answer; cuts the connection when less than was announced came. @param bytes the last of the body */
  end(bytes?: Buffer): void {
    if (this.#isClosed || this.#isEnded) return;
    if (bytes !== undefined) this.write(bytes);
    this.#isEnded = true;
    if (this.#left !== 0) {
      this.destroy();
      return;
    }
    const head = this.#head;
    this.#head = undefined;
    if (head !== undefined) this.#socket.write(head + (this.#framing === 'chunked' ? '0\r\n\r\n' : ''), 'latin1');
    else if (this.#framing === 'chunked') this.#socket.write(lastChunk);
    if (this.#socket.writableLength === 0) this.#finish();
    else this.#socket.write('', this.#onLastWritten); // Writes are done in turn: this one when all before it are.
  }

  /** Cuts the connection, so that a client cannot take what it has for all. */
  destroy(): void {
    // Where the end of the connection is the end of the body, only a reset tells that there was more.
    if (this.#framing === 'close' && !('encrypted' in this.#socket)) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  get needsDrain(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** For the connection: it is gone. */
  connectionClosed(): void {
    if (!this.#isClosed) this.#close();
  }

  readonly #onDrain = () => {
    this.#awaitsDrain = false;
    this.emit('drain');
  };

  readonly #onLastWritten = (error?: Error | null) => {
    if (!error) this.#finish(); // Else the connection is gone, and says so itself.
  };

  #finish(): void {
    if (this.#isClosed) return;
    this.#isFinished = true;
    this.#close();
  }

  #close(): void {
    this.#isClosed = true;
    this.#socket.off('drain', this.#onDrain);
    this.emit('close');
  }

  #writeParts(head: string | undefined, bytes: Buffer, isChunked: boolean): boolean {
    this.#socket.cork();
    if (head !== undefined) this.#socket.write(head, 'latin1');
    if (isChunked) this.#socket.write(`${bytes.length.toString(16)}\r\n`, 'latin1');
    const mayGoOn = this.#socket.write(bytes);
    if (isChunked) this.#socket.write('\r\n', 'latin1');
    this.#socket.uncork();
    return mayGoOn && !this.#socket.writableNeedDrain;
  }
}

/** One chunk, behind the head when there is one, as one buffer. */
function chunkOf(head: string | undefined, bytes: Buffer): Buffer {
  const size = bytes.length.toString(16);
  const before = head === undefined ? `${size}\r\n` : `${head}${size}\r\n`;
  const chunk = Buffer.allocUnsafe(before.length + bytes.length + 2);
  chunk.write(before, 0, 'latin1');
  bytes.copy(chunk, before.length);
  chunk[before.length + bytes.length] = 13;
  chunk[before.length + bytes.length + 1] = 10;
  return chunk;
}

function joined(head: string, bytes: Buffer): Buffer {
  const whole = Buffer.allocUnsafe(head.length + bytes.length);
  whole.write(head, 0, 'latin1');
  bytes.copy(whole, head.length);
  return whole;
}
