import { type FileHandle, open } from 'node:fs/promises';

/** Bytes before an offset that tell whether a file is still the one that was read: batch lines carry times and counts. */
const fingerprintBytes = 64;

/** Where reading stopped: behind the last complete line of one file. */
export interface TailPosition {
  /** Inode number as text, because it may exceed a double. */
  readonly inode: string;
  readonly offset: number;
  /** The bytes before `offset`, at most 64, base64. */
  readonly fingerprint: string;
}

/** One file of the log, open and read up to a line boundary plus the start of an unfinished line. */
export class LogFile {
  readonly inode: string;
  readonly #handle: FileHandle;
  #readOffset: number;
  #boundary: number;
  #fingerprint: Buffer;

  private constructor(handle: FileHandle, inode: string, offset: number, fingerprint: Buffer) {
    this.#handle = handle;
    this.inode = inode;
    this.#readOffset = offset;
    this.#boundary = offset;
    this.#fingerprint = fingerprint;
  }

  /** Opens `path` for reading from its start; undefined when it does not exist. */
  static async open(path: string): Promise<LogFile | undefined> {
    const handle = await openIfExists(path);
    if (handle === undefined) return undefined;
    const { ino } = await handle.stat({ bigint: true });
    return new LogFile(handle, String(ino), 0, Buffer.alloc(0));
  }

  get position(): TailPosition {
    return { inode: this.inode, offset: this.#boundary, fingerprint: this.#fingerprint.toString('base64') };
  }

  /** Offset of the next byte to read. */
  get readOffset(): number {
    return this.#readOffset;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  /** Time of the last write, in ms since the epoch. */
  async modifiedMs(): Promise<number> {
    return (await this.#handle.stat()).mtimeMs;
  }

  /** Whether the bytes before `position` are in this file at that place: it is the same file, or a copy of it. */
  async holds(position: TailPosition): Promise<boolean> {
    const expected = Buffer.from(position.fingerprint, 'base64');
    const found = await this.#readAt(position.offset - expected.length, expected.length);
    return found.equals(expected);
  }

  /** Continues at `position`, and `unfinishedBytes` behind it when the start of the next line is already read. */
  resume(position: TailPosition, unfinishedBytes = 0): void {
    this.#boundary = position.offset;
    this.#readOffset = position.offset + unfinishedBytes;
    this.#fingerprint = Buffer.from(position.fingerprint, 'base64');
  }

  /** Continues at the start, after the file was truncated in place. */
  rewind(): void {
    this.#boundary = 0;
    this.#readOffset = 0;
    this.#fingerprint = Buffer.alloc(0);
  }

  /** Continues behind the last byte of now. */
  async skipToEnd(): Promise<void> {
    const size = await this.size();
    const fingerprint = await this.#readBefore(size);
    this.resume({ inode: this.inode, offset: size, fingerprint: fingerprint.toString('base64') });
  }

  /** The next bytes, at most `maxBytes`; empty at the end of the file. */
  async read(maxBytes: number): Promise<Buffer> {
    const bytes = await this.#readAt(this.#readOffset, maxBytes);
    const complete = bytes.lastIndexOf(0x0a) + 1;
    if (complete > 0) {
      this.#boundary = this.#readOffset + complete;
      this.#fingerprint =
        complete >= fingerprintBytes
          ? Buffer.from(bytes.subarray(complete - fingerprintBytes, complete))
          : await this.#readBefore(this.#boundary);
    }
    this.#readOffset += bytes.length;
    return bytes;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  #readBefore(offset: number): Promise<Buffer> {
    const length = Math.min(offset, fingerprintBytes);
    return this.#readAt(offset - length, length);
  }

  async #readAt(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await this.#handle.read(buffer, 0, length, offset);
    return buffer.subarray(0, bytesRead);
  }
}

async function openIfExists(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
