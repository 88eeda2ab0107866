import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Bytes before an offset that tell whether a file is still the one that was read: batch lines carry times and counts. */
const fingerprintBytes = 64;
/** Enough of a log's start or end to tell it from every other: its lines carry times. */
const comparedBytes = 4_096;
const nothing = Buffer.alloc(0);

/** Where reading stopped: behind the last complete line of one file. */
export interface TailPosition {
  /** Inode number as text, because it may exceed a double. */
  readonly inode: string;
  readonly offset: number;
  /** The bytes before `offset`, at most 64, base64. */
  readonly fingerprint: string;
}

/**
 * One file of the log, open and read up to a line boundary plus the start of an unfinished line. Its calls take microseconds
 * and block: handed to a thread, as the file system's promises are, a look at the log costs twice the CPU.
 */
export class LogFile {
  readonly inode: string;
  readonly #descriptor: number;
  #readOffset: number;
  #recent: Buffer;
  #boundary: number;
  #fingerprint: Buffer;

  private constructor(descriptor: number, inode: string) {
    this.#descriptor = descriptor;
    this.inode = inode;
    this.#readOffset = 0;
    this.#recent = nothing;
    this.#boundary = 0;
    this.#fingerprint = nothing;
  }

  /** Opens `path` for reading from its start; undefined when it does not exist. */
  static open(path: string): LogFile | undefined {
    const descriptor = openIfExists(path);
    if (descriptor === undefined) return undefined;
    const { ino } = fstatSync(descriptor, { bigint: true });
    return new LogFile(descriptor, String(ino));
  }

  /** Behind the last complete line: where a restart goes on. */
  get position(): TailPosition {
    return { inode: this.inode, offset: this.#boundary, fingerprint: this.#fingerprint.toString('base64') };
  }

  /** Behind the last byte read, which may be inside a line. */
  get readPosition(): TailPosition {
    return { inode: this.inode, offset: this.#readOffset, fingerprint: this.#recent.toString('base64') };
  }

  size(): number {
    return fstatSync(this.#descriptor).size;
  }

  /** Time of the last write, in ms since the epoch. */
  modifiedMs(): number {
    return fstatSync(this.#descriptor).mtimeMs;
  }

  /** Whether the bytes before `position` are in this file at that place: it is the same file, or a copy of it. */
  holds(position: TailPosition): boolean {
    const expected = Buffer.from(position.fingerprint, 'base64');
    const found = this.#readAt(position.offset - expected.length, expected.length);
    return found.equals(expected);
  }

  /** Whether all of this file stands at the start of `log`: it is a copy of it, maybe one that is still being made. */
  isStartOf(log: LogFile): boolean {
    const size = this.size();
    if (size === 0 || log.size() < size) return false;
    for (const offset of [0, Math.max(0, size - comparedBytes)]) {
      const ours = this.#readAt(offset, Math.min(comparedBytes, size));
      if (!ours.equals(log.#readAt(offset, ours.length))) return false;
    }
    return true;
  }

  /** Continues at `position`, a place behind a complete line. */
  resume(position: TailPosition): void {
    this.#boundary = position.offset;
    this.#readOffset = position.offset;
    this.#fingerprint = Buffer.from(position.fingerprint, 'base64');
    this.#recent = this.#fingerprint;
  }

  /** Continues where `other` is, whose bytes up to there this file holds as well. */
  continueFrom(other: LogFile): void {
    this.#boundary = other.#boundary;
    this.#readOffset = other.#readOffset;
    this.#fingerprint = other.#fingerprint;
    this.#recent = other.#recent;
  }

  /** Continues at the start, after the file was truncated in place. */
  rewind(): void {
    this.resume({ inode: this.inode, offset: 0, fingerprint: '' });
  }

  /** Continues behind the last byte of now. */
  skipToEnd(): void {
    const size = this.size();
    const fingerprint = this.#readBefore(size);
    this.resume({ inode: this.inode, offset: size, fingerprint: fingerprint.toString('base64') });
  }

  /**
   * The next bytes, at most `maxBytes`; empty at the end of the file. Undefined when the bytes before them are not those
   * that were read: the file was emptied. (Both are read in one call, so that no truncation comes between.)
   */
  read(maxBytes: number): Buffer | undefined {
    const known = this.#recent;
    const found = this.#readAt(this.#readOffset - known.length, known.length + maxBytes);
    if (!found.subarray(0, known.length).equals(known)) return undefined;
    const bytes = found.subarray(known.length);
    const complete = bytes.lastIndexOf(0x0a) + 1;
    if (complete > 0) {
      this.#boundary = this.#readOffset + complete;
      this.#fingerprint =
        complete >= fingerprintBytes
          ? Buffer.from(bytes.subarray(complete - fingerprintBytes, complete))
          : this.#readBefore(this.#boundary);
    }
    this.#readOffset += bytes.length;
    // A copy, so that 64 bytes do not keep the whole chunk in memory.
    this.#recent = Buffer.concat([this.#recent, bytes.subarray(-fingerprintBytes)]).subarray(-fingerprintBytes);
    return bytes;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #readBefore(offset: number): Buffer {
    const length = Math.min(offset, fingerprintBytes);
    return this.#readAt(offset - length, length);
  }

  #readAt(offset: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafeSlow(length);
    return buffer.subarray(0, readSync(this.#descriptor, buffer, 0, length, offset));
  }
}

function openIfExists(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
