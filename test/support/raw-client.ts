import net from 'node:net';
import { until } from './poll.ts';
import { type RawAnswer, readAnswer } from './raw-answer.ts';

/** A client that sends exactly the bytes that a test gives it, and reads answers by the letter of RFC 9112. */
export class RawClient implements Disposable {
  readonly socket: net.Socket;
  #received: Buffer = Buffer.alloc(0);
  #isOver = false;

  /** @param socket connecting or connected */
  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
    });
    socket.on('error', () => {}); // `close` follows.
    for (const event of ['end', 'close'] as const) {
      socket.on(event, () => {
        this.#isOver = true;
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
    return this.#received;
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
    return until('an answer came', () => {
      const read = readAnswer(this.#received, this.#isOver, isHead);
      if (read === undefined) {
        if (this.#isOver) throw new Error(`The connection ended behind ${JSON.stringify(this.#received.toString())}.`);
        return undefined;
      }
      this.#received = read.rest;
      return read.answer;
    });
  }

  async answers(count: number): Promise<RawAnswer[]> {
    const answers: RawAnswer[] = [];
    while (answers.length < count) answers.push(await this.answer());
    return answers;
  }

  /** Waits until the server sends no more, and returns what it sent. */
  async over(): Promise<string> {
    await until('the server ended the connection', () => this.#isOver);
    return this.#received.toString('latin1');
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** A request as bytes; Host and Content-Length are added. */
export function request(method: string, path: string, body = '', headers: readonly string[] = []): string {
  const lines = [`${method} ${path} HTTP/1.1`, 'host: router', ...headers];
  if (body !== '') lines.push(`content-length: ${body.length}`);
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
