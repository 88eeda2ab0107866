const lineFeed = 0x0a;

/**
 * Cuts bytes into lines at LF only: a progress bar keeps its carriage returns inside one line.
 * A line longer than `maxLineBytes` keeps its last bytes, so memory stays bounded (the hole of zeros that a truncated
 * file shows to a writer without O_APPEND is such a line, and the text behind it is what counts).
 */
export class LineSplitter {
  readonly #maxLineBytes: number;
  #pending: Buffer[] = [];
  #keptBytes = 0;
  #pendingBytes = 0;

  constructor(maxLineBytes = 256 * 1024) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** Bytes received since the last line feed, kept or not. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Takes the next bytes, which the caller must not overwrite, and returns the lines that they complete, without LF. */
  push(bytes: Buffer): string[] {
    const end = bytes.lastIndexOf(lineFeed);
    if (end < 0) {
      this.#keep(bytes);
      return [];
    }
    const first = bytes.indexOf(lineFeed);
    this.#keep(bytes.subarray(0, first));
    const lines = [this.#takePending()];
    if (end > first) lines.push(...bytes.toString('utf8', first + 1, end).split('\n'));
    this.#keep(bytes.subarray(end + 1));
    return lines;
  }

  /** The unfinished line at the end of a file that will not grow any more; undefined when there is none. */
  end(): string | undefined {
    return this.#pendingBytes === 0 ? undefined : this.#takePending();
  }

  #takePending(): string {
    const text = Buffer.concat(this.#pending).subarray(-this.#maxLineBytes).toString('utf8');
    this.#pending = [];
    this.#keptBytes = 0;
    this.#pendingBytes = 0;
    return text;
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#pending.push(bytes);
    this.#keptBytes += bytes.length;
    this.#pendingBytes += bytes.length;
    if (this.#keptBytes <= 2 * this.#maxLineBytes) return;
    // A copy, so that the dropped part is not held through the view.
    const tail = Buffer.from(Buffer.concat(this.#pending).subarray(-this.#maxLineBytes));
    this.#pending = [tail];
    this.#keptBytes = tail.length;
  }
}
