import { routerError } from '../errors.ts';
import type { BodyFraming } from './counted-body.ts';

const lineFeed = 10;
const carriageReturn = 13;
/** Longest line that announces a chunk, extensions included. */
const maxLineBytes = 4 * 1024;
/** All trailer fields together; they are read and dropped. */
const maxTrailerBytes = 16 * 1024;

type State = 'size' | 'data' | 'data-end' | 'trailer' | 'done';

/** Takes the chunks off a request's body as it comes (RFC 9112 section 7.1). Strict: lines end with CRLF, sizes are hex. */
export class ChunkedDecoder implements BodyFraming {
  #state: State = 'size';
  #left = 0;
  #line = '';
  #trailerBytes = 0;

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /**
   * @param onData called with each piece of the body, a view into `bytes`
   * @returns the offset behind what belongs to the body; less than the length of `bytes` only when the body is complete
   * @throws CodedError BAD_HTTP_REQUEST
   */
  push(bytes: Buffer, from: number, onData: (piece: Buffer) => void): number {
    let at = from;
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        if (this.#left === 0) this.#state = 'data-end';
        onData(bytes.subarray(at, end));
        at = end;
      } else {
        at = this.#readLine(bytes, at);
      }
    }
    return at;
  }

  #readLine(bytes: Buffer, at: number): number {
    const found = bytes.indexOf(lineFeed, at);
    const end = found < 0 ? bytes.length : found;
    this.#line += bytes.toString('latin1', at, end);
    if (this.#line.length > maxLineBytes) throw bad('a line between its chunks is too long');
    if (found < 0) return end;
    if (this.#line.charCodeAt(this.#line.length - 1) !== carriageReturn) throw bad('a line ends without CR LF');
    const line = this.#line.slice(0, -1);
    this.#line = '';
    this.#actOn(line);
    return end + 1;
  }

  #actOn(line: string): void {
    switch (this.#state) {
      case 'size': {
        const digits = /^([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\0]*)?$/.exec(line)?.[1];
        if (digits === undefined) throw bad(`${JSON.stringify(line.slice(0, 20))} is no chunk size`);
        this.#left = Number.parseInt(digits, 16);
        this.#state = this.#left === 0 ? 'trailer' : 'data';
        return;
      }
      case 'data-end':
        if (line !== '') throw bad('a chunk is longer than its size says');
        this.#state = 'size';
        return;
      default:
        this.#trailerBytes += line.length;
        if (this.#trailerBytes > maxTrailerBytes) throw bad('its trailer is too long');
        if (line === '') this.#state = 'done';
    }
  }
}

function bad(detail: string) {
  return routerError('BAD_HTTP_REQUEST', { detail });
}
