import { connect, type Socket } from 'node:net';

/** What a plain client reads off the wire, with nothing interpreted that need not be. */
export interface RawResponse {
  readonly status: number;
  readonly reason: string;
  /** As sent, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Chunks joined. */
  readonly body: string;
  /** False when the bytes ended before the body did. */
  readonly isComplete: boolean;
}

/** A socket that gathers what arrives and lets a test wait for it. */
export class RawConnection {
  readonly socket: Socket;
  #bytes = Buffer.alloc(0);
  #wake: (() => void)[] = [];
  #isOver = false;
  #error: NodeJS.ErrnoException | undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#notify();
    });
    this.socket.on('error', (error) => {
      this.#error = error;
    });
    for (const event of ['end', 'close'] as const) {
      this.socket.on(event, () => {
        this.#isOver = true;
        this.#notify();
      });
    }
  }

  get text(): string {
    return this.#bytes.toString('utf8');
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get error(): NodeJS.ErrnoException | undefined {
    return this.#error;
  }

  send(bytes: Buffer | string): void {
    this.socket.write(bytes);
  }

  /** Resolves when the text satisfies `isEnough`; rejects when the connection ends before. */
  async until(isEnough: (text: string) => boolean): Promise<string> {
    while (!isEnough(this.text)) {
      if (this.#isOver) throw new Error(`connection ended after: ${this.text.slice(-300)}`);
      await this.#next();
    }
    return this.text;
  }

  /** Resolves with all bytes when the server has ended the connection. */
  async untilEnd(): Promise<Buffer> {
    while (!this.#isOver) await this.#next();
    return this.#bytes;
  }

  destroy(): void {
    this.socket.destroy();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake.push(resolve);
    });
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}

/** Sends a request on a connection of its own and reads until the server closes it. */
export async function exchangeRaw(port: number, request: Buffer | string): Promise<RawResponse> {
  const connection = new RawConnection(port);
  connection.send(request);
  const bytes = await connection.untilEnd();
  connection.destroy();
  return parseRawResponse(bytes);
}

export function parseRawResponse(bytes: Buffer): RawResponse {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) throw new Error(`no response head in: ${bytes.toString('utf8').slice(0, 200)}`);
  const [statusLine, ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const [, status, reason] = statusLine!.match(/^HTTP\/1\.1 (\d+) ?(.*)$/)!;
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
  });
  const rest = bytes.subarray(end + 4);
  const isChunked = headers.some(([name]) => name.toLowerCase() === 'transfer-encoding');
  const stated = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1];
  const { body, isComplete } = isChunked
    ? joinChunks(rest)
    : { body: rest, isComplete: stated === undefined || Number(stated) === rest.length };
  return { status: Number(status), reason: reason ?? '', headers, body: body.toString('utf8'), isComplete };
}

function joinChunks(bytes: Buffer): { body: Buffer; isComplete: boolean } {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return { body: Buffer.concat(parts), isComplete: false };
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16);
    if (size === 0) return { body: Buffer.concat(parts), isComplete: true };
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}

export function headerOf(response: RawResponse, name: string): string | undefined {
  return response.headers.find(([other]) => other.toLowerCase() === name)?.[1];
}

/** An HTTP/1.1 POST with a JSON body; the server closes the connection after it unless told otherwise. */
export function postBytes(path: string, body: unknown, connection: 'close' | 'keep-alive' = 'close'): string {
  const text = JSON.stringify(body);
  return (
    `POST ${path} HTTP/1.1\r\nhost: engine\r\nconnection: ${connection}\r\n` +
    `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
  );
}

export function getBytes(path: string, connection: 'close' | 'keep-alive' = 'close'): string {
  return `GET ${path} HTTP/1.1\r\nhost: engine\r\nconnection: ${connection}\r\n\r\n`;
}

/** Payloads of an event stream, or its events with their names where it names them. */
export function eventsOf(body: string): { readonly event: string | undefined; readonly data: string }[] {
  return body
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => ({
      event: block.match(/^event: (.*)$/m)?.[1],
      data: block.match(/^data: (.*)$/m)?.[1] ?? '',
    }));
}
