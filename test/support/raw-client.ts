import net from 'node:net';
import { type RawAnswer, readAnswer } from './raw-answer.ts';

const deadlineMs = 20_000;

/** A client that sends exactly the bytes that a test gives it, and reads answers by the letter of RFC 9112. */
export class RawClient implements Disposable {
  readonly socket: net.Socket;
  #buffer: Buffer = Buffer.alloc(64 * 1024);
  #from = 0;
  #to = 0;
  #isOver = false;
  #onChange = () => {};

  /** @param socket connecting or connected */
  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => this.#append(bytes));
    socket.on('error', () => {}); // `close` follows.
    for (const event of ['end', 'close'] as const) {
      socket.on(event, () => {
        this.#isOver = true;
        this.#onChange();
      });
    }
  }

  /** @param url where the router listens */
  static to(url: string): RawClient {
    const { hostname, port } = new URL(url);
    return new RawClient(net.connect({ host: hostname, port: Number(port), noDelay: true, allowHalfOpen: true }));
  }

  /** What came and was not read as an answer. */
  get rest(): Buffer {
    return this.#buffer.subarray(this.#from, this.#to);
  }

  /** Whether the server sends no more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  send(bytes: string | Buffer): this {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this;
  }

  /** The next answer, interim ones included. @param isHead whether it answers a HEAD request */
  async answer(isHead = false): Promise<RawAnswer> {
    for (;;) {
      const read = readAnswer(this.rest, this.#isOver, isHead);
      if (read !== undefined) {
        this.#from += read.bytes;
        return read.answer;
      }
      if (this.#isOver) throw new Error(`The connection ended behind ${JSON.stringify(this.rest.toString())}.`);
      await this.#change();
    }
  }

  async answers(count: number): Promise<RawAnswer[]> {
    const answers: RawAnswer[] = [];
    while (answers.length < count) answers.push(await this.answer());
    return answers;
  }

  /** Waits until the server sends no more, and returns what it sent. */
  async over(): Promise<string> {
    while (!this.#isOver) await this.#change();
    return this.rest.toString('latin1');
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  async #change(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#onChange = resolve;
    const timer = setTimeout(() => reject(new Error(`Nothing came for ${deadlineMs} ms.`)), deadlineMs);
    await promise.finally(() => clearTimeout(timer));
  }

  #append(bytes: Buffer): void {
    if (this.#to + bytes.length > this.#buffer.length) {
      const larger = Buffer.alloc(2 * (this.#to - this.#from + bytes.length));
      this.#to = this.rest.copy(larger);
      this.#from = 0;
      this.#buffer = larger;
    }
    this.#to += bytes.copy(this.#buffer, this.#to);
    this.#onChange();
  }
}

/** A request as bytes; Host and Content-Length are added. */
export function request(method: string, path: string, body = '', headers: readonly string[] = []): string {
  const lines = [`${method} ${path} HTTP/1.1`, 'host: router', ...headers];
  if (body !== '') lines.push(`content-length: ${body.length}`);
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
