/** The last bytes of a stream, as text. */
export class TextTail {
  readonly #maxBytes: number;
  #kept = Buffer.alloc(0);

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(bytes: Buffer): void {
    const all = bytes.length >= this.#maxBytes ? bytes : Buffer.concat([this.#kept, bytes]);
    // A copy, so that a large chunk is not kept alive by its end.
    this.#kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#maxBytes)));
  }

  toString(): string {
    return this.#kept.toString('utf8');
  }
}
