import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

/** Read at one time, so that a burst of output does not hold the event loop. */
const maxReadBytes = 256 * 1_024;
/** An unfinished line keeps its end: a progress bar rewrites itself for minutes behind carriage returns. */
const maxPendingChars = 64 * 1_024;

/**
 * What one launch writes to the engine's log, which earlier launches wrote to as well. It holds the file open, so a
 * rotation by renaming does not lose it; after one that truncates the file it begins again at its start.
 */
export class RunLog implements Disposable {
  readonly #descriptor: number;
  #start: number;
  #offset: number;
  #decoder = new StringDecoder('utf8');
  #pending = '';

  /** Begins at the end of the file. @throws when it cannot be opened or created */
  constructor(file: string) {
    this.#descriptor = openSync(file, 'a+');
    this.#start = this.size;
    this.#offset = this.#start;
  }

  /** Of the whole file, in bytes: it changes whenever the engine writes, a progress bar included. */
  get size(): number {
    return fstatSync(this.#descriptor).size;
  }

  /** The lines that were completed since the last call, within a bound; the next call gives more. */
  readNewLines(): string[] {
    this.#followTruncation();
    const bytes = this.#read(this.#offset, maxReadBytes);
    this.#offset += bytes.length;
    const lines = (this.#pending + this.#decoder.write(bytes)).split('\n');
    this.#pending = lines.pop()!.slice(-maxPendingChars);
    return lines;
  }

  /** The last lines of this launch, an unfinished one included. @param maxBytes of log to look at */
  readLastLines(maxBytes: number): string[] {
    this.#followTruncation();
    const { size } = this;
    const from = Math.max(this.#start, size - maxBytes);
    const lines = this.#read(from, size - from)
      .toString('utf8')
      .split('\n');
    // The first one is cut where the look began inside the launch's output.
    return from > this.#start ? lines.slice(1) : lines;
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }

  #followTruncation(): void {
    if (this.size >= this.#offset) return;
    this.#start = 0;
    this.#offset = 0;
    this.#decoder = new StringDecoder('utf8');
    this.#pending = '';
  }

  #read(position: number, length: number): Buffer {
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(this.#descriptor, buffer, 0, length, position));
  }
}
