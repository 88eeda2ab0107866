import { stat } from 'node:fs/promises';
import { LineSplitter } from './line-splitter.ts';
import { LogFile, type TailPosition } from './log-file.ts';
import { listRotatedFiles } from './rotated-files.ts';

export type TailNotice =
  /** The log was renamed away; reading goes on in its successor. */
  | 'rotated'
  /** The log was emptied in place; what a copy still had is read first. */
  | 'truncated'
  /** The file of the saved position is gone, and what it held behind the position with it. */
  | 'position-lost';

export interface TailOptions {
  readonly path: string;
  /** Continue here, as `position` said earlier. @default - see `from` */
  readonly position?: TailPosition | undefined;
  /** Where to begin without a position. @default 'start' */
  readonly from?: 'start' | 'end';
  /** Most bytes that one `read` takes. @default 256 KiB */
  readonly chunkBytes?: number;
  readonly onNotice?: (notice: TailNotice) => void;
}

export interface TailRead {
  readonly lines: readonly string[];
  /** True when nothing is left to read for now; false says: ask again at once. */
  readonly atEnd: boolean;
}

/**
 * Follows a growing log file: `read` returns what is new, and the caller decides when to ask again.
 * Every line comes exactly once across renames, copy-truncate, truncation and restarts with a saved position, as long
 * as rotated files stay uncompressed beside the log until they are read. Only what is written between a copy and its
 * truncation is lost, which is copy-truncate's own gap.
 */
export class LogTail {
  readonly #path: string;
  readonly #chunkBytes: number;
  readonly #onNotice: (notice: TailNotice) => void;
  readonly #splitter = new LineSplitter();
  #file: LogFile | undefined;
  /** Whether `#file` is a copy of the log: then an unfinished line continues in its successor. */
  #isCopy = false;
  /** Where reading was before `#file`, until a line of it was read: the start of a file does not tell which file it is. */
  #placeBefore: TailPosition | undefined;

  private constructor(options: TailOptions) {
    this.#path = options.path;
    this.#chunkBytes = options.chunkBytes ?? 256 * 1024;
    this.#onNotice = options.onNotice ?? (() => {});
  }

  /** The log need not exist yet. */
  static async open(options: TailOptions): Promise<LogTail> {
    const tail = new LogTail(options);
    if (options.position) {
      tail.#file = await tail.#find(options.position);
      if (tail.#file) tail.#file.resume(options.position);
      else tail.#onNotice('position-lost');
    }
    tail.#file ??= await LogFile.open(options.path);
    if (!options.position && options.from === 'end') await tail.#file?.skipToEnd();
    return tail;
  }

  /** Behind the last line that `read` returned; undefined before the log exists. */
  get position(): TailPosition | undefined {
    const position = this.#file?.position;
    return position?.offset === 0 ? (this.#placeBefore ?? position) : position;
  }

  async read(): Promise<TailRead> {
    const lines: string[] = [];
    // One call ends only behind bytes read, so that a position never points at the untouched start of a file.
    for (;;) {
      this.#file ??= await LogFile.open(this.#path);
      const file = this.#file;
      if (file === undefined) return { lines, atEnd: true };
      const size = await file.size();
      const { offset } = file.readPosition;
      if (!(await reaches(file, file.readPosition))) {
        await this.#continueAfterTruncation(file);
      } else if (size > offset) {
        const bytes = await file.read(Math.min(this.#chunkBytes, size - offset));
        for (const line of this.#splitter.push(bytes)) lines.push(line);
        return { lines, atEnd: false };
      } else if (!(await this.#moveToSuccessor(file, lines))) {
        return { lines, atEnd: true };
      }
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  /**
   * The writer goes on in the emptied file, so an unfinished line continues there. When rotation left a copy, the bytes
   * between our place and the copy's end are read from the copy first.
   */
  async #continueAfterTruncation(file: LogFile): Promise<void> {
    this.#onNotice('truncated');
    const place = file.readPosition;
    const copy = place.offset > 0 ? await this.#findRotated(place) : undefined;
    if (copy === undefined) {
      this.#placeBefore = this.position;
      return file.rewind();
    }
    // Also a copy that was read to its end: newer copies may follow it.
    copy.continueFrom(file);
    await file.close();
    this.#file = copy;
    this.#isCopy = true;
  }

  /**
   * At the end of `file`: moves on if the log has moved on to another file that has begun to grow.
   * An unfinished line that nobody will finish goes to `lines`.
   * @returns false when there is nothing left to read for now
   */
  async #moveToSuccessor(file: LogFile, lines: string[]): Promise<boolean> {
    const successor = await this.#successorPath(file);
    if (successor === undefined) return false;
    // The writer may have added lines before it moved on.
    if ((await file.size()) !== file.readPosition.offset) return true;
    const next = await LogFile.open(successor);
    if (next === undefined) return true;
    // What is unfinished in a copy comes again; in a renamed file it ends here.
    this.#placeBefore = this.#isCopy || file.readPosition.offset === 0 ? this.position : file.readPosition;
    const unfinished = this.#isCopy ? undefined : this.#splitter.end();
    if (unfinished !== undefined) lines.push(unfinished);
    await file.close();
    this.#file = next;
    this.#isCopy &&= successor !== this.#path;
    this.#onNotice('rotated');
    return true;
  }

  async #successorPath(file: LogFile): Promise<string | undefined> {
    const current = await statIfExists(this.#path);
    if (current !== undefined && String(current.ino) === file.inode) return undefined;
    const rotated = await listRotatedFiles(this.#path);
    const own = rotated.findIndex(({ inode }) => inode === file.inode);
    const modifiedMs = await file.modifiedMs();
    const newer = own >= 0 ? rotated.slice(own + 1) : rotated.filter((other) => other.modifiedMs > modifiedMs);
    return newer[0]?.path ?? (current !== undefined && current.size > 0n ? this.#path : undefined);
  }

  /** The file that holds `position`: the log itself, the log renamed, or a copy of it. */
  async #find(position: TailPosition): Promise<LogFile | undefined> {
    const log = await LogFile.open(this.#path);
    if (log?.inode === position.inode && (await reaches(log, position))) return log;
    await log?.close();
    const rotated = await this.#findRotated(position);
    this.#isCopy = rotated !== undefined && rotated.inode !== position.inode;
    return rotated;
  }

  async #findRotated(position: TailPosition): Promise<LogFile | undefined> {
    const candidates = (await listRotatedFiles(this.#path)).reverse();
    // A rename keeps the inode and is the surer match.
    candidates.sort((a, b) => Number(b.inode === position.inode) - Number(a.inode === position.inode));
    for (const { path, inode } of candidates) {
      if (inode !== position.inode && position.offset === 0) continue;
      const file = await LogFile.open(path);
      if (file !== undefined && (await reaches(file, position))) return file;
      await file?.close();
    }
    return undefined;
  }
}

async function reaches(file: LogFile, position: TailPosition): Promise<boolean> {
  return (await file.size()) >= position.offset && (await file.holds(position));
}

async function statIfExists(path: string): Promise<{ readonly ino: bigint; readonly size: bigint } | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
