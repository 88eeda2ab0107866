/**
 * Incremental parser of HTTP/1.1 responses (RFC 9112), for one connection.
 * Body bytes are handed out as slices of what arrived, without copies and without looking inside.
 */

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Names and values in turn, as sent: the form of `http.IncomingMessage.rawHeaders`. */
  readonly rawHeaders: string[];
  readonly contentType: string;
  /** Framing that the body has: bytes of a known length, chunks, or all until the connection closes. */
  readonly framing: 'length' | 'chunked' | 'close';
  /** Bytes of the body as announced, -1 where they are not. */
  readonly contentLength: number;
}

export interface ResponseHandler {
  onHead(head: ResponseHead): void;
  onBody(bytes: Buffer): void;
  /** The message is complete; `reusable` tells whether the connection may carry another request. */
  onEnd(reusable: boolean): void;
}

/** The peer did not send what RFC 9112 allows. */
export class ResponseSyntaxError extends Error {
  override readonly name = 'ResponseSyntaxError';
}

const maxHeadBytes = 128 * 1024;
const headEnd = Buffer.from('\r\n\r\n');
const carriageReturn = 13;
const lineFeed = 10;

type State = 'head' | 'length' | 'chunk-size' | 'chunk-data' | 'chunk-data-end' | 'trailer' | 'close' | 'done';

export class ResponseParser {
  readonly #handler: ResponseHandler;
  #state: State = 'head';
  #held: Buffer | undefined;
  #remaining = 0;
  #keepAlive = true;
  /** The line being read in `chunk-size` and `trailer`. */
  #line = '';

  constructor(handler: ResponseHandler) {
    this.#handler = handler;
  }

  /** True once the whole message arrived; further bytes are a protocol violation. */
  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** Takes the next bytes. Throws ResponseSyntaxError; the connection must then be dropped. */
  push(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      switch (this.#state) {
        case 'head':
          rest = this.#readHead(rest);
          break;
        case 'length':
        case 'chunk-data':
          rest = this.#readCounted(rest);
          break;
        case 'chunk-size':
        case 'chunk-data-end':
        case 'trailer':
          rest = this.#readLine(rest);
          break;
        case 'close':
          this.#handler.onBody(rest);
          return;
        case 'done':
          throw new ResponseSyntaxError('bytes after the end of the response');
      }
    }
  }

  /** The peer closed the connection. Returns false when that cut a message short. */
  end(): boolean {
    if (this.#state === 'close') this.#finish(false);
    return this.#state === 'done';
  }

  #readHead(bytes: Buffer): Buffer {
    const all = this.#held ? Buffer.concat([this.#held, bytes]) : bytes;
    const end = all.indexOf(headEnd);
    if (end < 0) {
      if (all.length > maxHeadBytes) throw new ResponseSyntaxError(`response head exceeds ${maxHeadBytes} bytes`);
      this.#held = all;
      return all.subarray(all.length);
    }
    this.#held = undefined;
    const rest = all.subarray(end + headEnd.length);
    const head = parseHead(all.toString('latin1', 0, end));
    // Interim answers (RFC 9110 section 15.2) precede the real one.
    if (head.status < 200) return rest;
    this.#keepAlive = head.keepAlive;
    this.#remaining = head.contentLength;
    this.#handler.onHead(head);
    if (head.status === 204 || head.status === 304 || (head.framing === 'length' && head.contentLength === 0)) {
      this.#finish(this.#keepAlive);
    } else {
      this.#state = head.framing === 'chunked' ? 'chunk-size' : head.framing;
    }
    return rest;
  }

  #readCounted(bytes: Buffer): Buffer {
    const taken = Math.min(this.#remaining, bytes.length);
    this.#remaining -= taken;
    const complete = this.#remaining === 0;
    this.#handler.onBody(taken === bytes.length ? bytes : bytes.subarray(0, taken));
    if (complete) {
      if (this.#state === 'length') this.#finish(this.#keepAlive);
      else this.#state = 'chunk-data-end';
    }
    return bytes.subarray(taken);
  }

  /** Reads up to a line feed and acts on the line; lines here are short, so building a string is cheap. */
  #readLine(bytes: Buffer): Buffer {
    const end = bytes.indexOf(lineFeed);
    this.#line += bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
    if (this.#line.length > maxHeadBytes) throw new ResponseSyntaxError('chunk header too long');
    if (end < 0) return bytes.subarray(bytes.length);
    const line = this.#line.charCodeAt(this.#line.length - 1) === carriageReturn ? this.#line.slice(0, -1) : this.#line;
    this.#line = '';
    this.#actOnLine(line);
    return bytes.subarray(end + 1);
  }

  #actOnLine(line: string): void {
    if (this.#state === 'trailer') {
      if (line === '') this.#finish(this.#keepAlive);
    } else if (this.#state === 'chunk-data-end') {
      if (line !== '') throw new ResponseSyntaxError('chunk is longer than its size says');
      this.#state = 'chunk-size';
    } else {
      const digits = line.match(/^([0-9a-f]{1,8})[ \t]*(?:;.*)?$/i)?.[1];
      if (digits === undefined) throw new ResponseSyntaxError(`bad chunk size ${JSON.stringify(line.slice(0, 20))}`);
      this.#remaining = Number.parseInt(digits, 16);
      this.#state = this.#remaining === 0 ? 'trailer' : 'chunk-data';
    }
  }

  #finish(reusable: boolean): void {
    this.#state = 'done';
    this.#handler.onEnd(reusable);
  }
}

interface ParsedHead extends ResponseHead {
  readonly keepAlive: boolean;
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Control characters but the tab; a lone CR or LF among them could end a line of the answer to the client. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\0-\x08\x0a-\x1f\x7f]/;

function parseHead(text: string): ParsedHead {
  const lines = text.split('\r\n');
  const [, minor, code, reason] = lines[0]!.match(/^HTTP\/1\.([01]) (\d{3})(?: (.*))?$/) ?? [];
  if (code === undefined || controls.test(lines[0]!))
    throw new ResponseSyntaxError(`bad status line ${JSON.stringify(lines[0]!.slice(0, 40))}`);
  const rawHeaders: string[] = [];
  let contentLength = -1;
  let chunked = false;
  let contentType = '';
  let connection = '';
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':');
    if (colon <= 0 || controls.test(line))
      throw new ResponseSyntaxError(`bad header line ${JSON.stringify(line.slice(0, 40))}`);
    const name = line.slice(0, colon);
    if (!token.test(name)) throw new ResponseSyntaxError(`bad header name ${JSON.stringify(name.slice(0, 40))}`);
    const value = line.slice(colon + 1).trim();
    rawHeaders.push(name, value);
    switch (name.toLowerCase()) {
      case 'content-length':
        if (!/^\d{1,15}$/.test(value) || (contentLength >= 0 && contentLength !== Number(value))) {
          throw new ResponseSyntaxError(`bad content-length ${JSON.stringify(value.slice(0, 40))}`);
        }
        // One that says the same again goes no further.
        if (contentLength >= 0) rawHeaders.length -= 2;
        contentLength = Number(value);
        break;
      case 'transfer-encoding':
        if (chunked || value.toLowerCase() !== 'chunked') {
          throw new ResponseSyntaxError(`unknown transfer-encoding ${JSON.stringify(value.slice(0, 40))}`);
        }
        chunked = true;
        break;
      case 'content-type':
        contentType = value.toLowerCase();
        break;
      case 'connection':
        connection = value.toLowerCase();
        break;
    }
  }
  // RFC 9112 section 6.3: two framings are an error, since the next one to read them may choose the other.
  if (chunked && contentLength >= 0) throw new ResponseSyntaxError('both content-length and transfer-encoding');
  const framing = chunked ? 'chunked' : contentLength >= 0 ? 'length' : 'close';
  const keepAlive = minor === '1' ? !/\bclose\b/.test(connection) : /\bkeep-alive\b/.test(connection);
  return { status: Number(code), reason: reason ?? '', rawHeaders, contentType, framing, contentLength, keepAlive };
}
