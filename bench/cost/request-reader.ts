/** Counts its way through the requests of one connection without keeping their bodies. */
export class RequestReader {
  readonly #onRequest: (line: string) => void;
  #head = '';
  #line: string | undefined;
  /** Bytes of the body that are still to come; 'chunked' until its last chunk. */
  #left: number | 'chunked' = 0;
  #tail = '';

  /** @param onRequest called with `METHOD target` when a whole request was read */
  constructor(onRequest: (line: string) => void) {
    this.#onRequest = onRequest;
  }

  push(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#line === undefined) {
        const before = this.#head.length;
        this.#head += bytes.toString('latin1', at);
        const end = this.#head.indexOf('\r\n\r\n');
        if (end < 0) return;
        at += end + 4 - before;
        this.#begin(this.#head.slice(0, end));
      }
      at = this.#left === 'chunked' ? this.#skipChunks(bytes, at) : this.#skip(bytes, at, this.#left);
    }
  }

  #begin(head: string): void {
    this.#head = '';
    this.#line = head.slice(0, head.indexOf(' HTTP/'));
    if (/transfer-encoding: *chunked/i.test(head)) this.#left = 'chunked';
    else this.#left = Number(head.match(/content-length: *(\d+)/i)?.[1] ?? 0);
    if (this.#left === 0) this.#end();
  }

  #skip(bytes: Buffer, at: number, left: number): number {
    if (this.#line === undefined) return at;
    const taken = Math.min(left, bytes.length - at);
    this.#left = left - taken;
    if (this.#left === 0) this.#end();
    return at + taken;
  }

  /** Bodies hold no line feeds, so the end of the last chunk is unmistakable. */
  #skipChunks(bytes: Buffer, at: number): number {
    this.#tail = (this.#tail + bytes.toString('latin1', Math.max(at, bytes.length - 7))).slice(-7);
    if (this.#tail === '\r\n0\r\n\r\n') this.#end();
    return bytes.length;
  }

  #end(): void {
    const line = this.#line!;
    this.#line = undefined;
    this.#tail = '';
    this.#left = 0;
    this.#onRequest(line);
  }
}
