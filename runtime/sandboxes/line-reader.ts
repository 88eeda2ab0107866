/** A line is longer than the reader allows. */
export class LineTooLong extends Error {
  override readonly name = 'LineTooLong';
}

/** Splits a byte stream into lines. Holds at most one unfinished line of `maxLineBytes`. */
export class LineReader {
  readonly #maxLineBytes: number;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** The lines that these bytes complete, without their ends; empty ones are left out. @throws LineTooLong */
  push(bytes: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
      const line = this.#complete(bytes.subarray(start, end));
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    this.#hold(bytes.subarray(start));
    return lines;
  }

  #complete(end: Buffer): string {
    this.#hold(end);
    const line = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    return line.toString('utf8').trim();
  }

  #hold(part: Buffer): void {
    this.#pendingBytes += part.length;
    if (this.#pendingBytes > this.#maxLineBytes) throw new LineTooLong();
    if (part.length > 0) this.#pending.push(part);
  }
}
