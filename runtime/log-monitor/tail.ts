import { LineSplitter } from './line-splitter.ts';
import { LogFile, type TailPosition } from './log-file.ts';
import { describeFile, lookAtLog, type RotatedFile } from './rotated-files.ts';

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

/** A rotation is over after a few looks. Files that never agree with each other must not keep the process busy for ever. */
const maxLooks = 1_000;

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
  /**
   * Whether `#file` may be a copy of the log, in whose successor an unfinished line continues. Only of the file that was
   * followed as the log it is certain that it is none.
   */
  #mayBeCopy = false;
  /** Where reading was before `#file`, until a line of it was read: the start of a file does not tell which file it is. */
  #placeBefore: TailPosition | undefined;

  private constructor(options: TailOptions) {
    this.#path = options.path;
    this.#chunkBytes = options.chunkBytes ?? 256 * 1024;
    this.#onNotice = options.onNotice ?? (() => {});
  }

  /** The log need not exist yet. */
  static open(options: TailOptions): LogTail {
    const tail = new LogTail(options);
    if (options.position) {
      tail.#file = tail.#find(options.position);
      if (tail.#file) tail.#file.resume(options.position);
      else tail.#onNotice('position-lost');
    }
    tail.#file ??= LogFile.open(options.path);
    if (!options.position && options.from === 'end') tail.#file?.skipToEnd();
    return tail;
  }

  /** Behind the last line that `read` returned; undefined before the log exists. */
  get position(): TailPosition | undefined {
    const position = this.#file?.position;
    return position?.offset === 0 ? (this.#placeBefore ?? position) : position;
  }

  read(): TailRead {
    const lines: string[] = [];
    // One call ends only behind bytes read, so that a position never points at the untouched start of a file.
    for (let looks = 0; looks < maxLooks; looks++) {
      this.#file ??= LogFile.open(this.#path);
      const file = this.#file;
      if (file === undefined) return { lines, atEnd: true };
      const { offset } = file.readPosition;
      const size = file.size();
      if (size > offset) {
        const bytes = file.read(Math.min(this.#chunkBytes, size - offset));
        if (bytes === undefined) this.#continueAfterTruncation(file);
        else {
          for (const line of this.#splitter.push(bytes)) lines.push(line);
          return { lines, atEnd: false };
        }
      } else if (size < offset || !file.holds(file.readPosition)) {
        this.#continueAfterTruncation(file);
      } else {
        const move = this.#moveToSuccessor(file, lines);
        if (move !== 'look-again') return { lines, atEnd: move === 'stays' };
      }
    }
    return { lines, atEnd: true };
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  /**
   * The writer goes on in the emptied file, so an unfinished line continues there. When rotation left a copy, the bytes
   * between our place and the copy's end are read from the copy first.
   */
  #continueAfterTruncation(file: LogFile): void {
    this.#onNotice('truncated');
    const place = file.readPosition;
    const copy = place.offset > 0 ? this.#findRotated(place) : undefined;
    if (copy === undefined) {
      this.#placeBefore = this.position;
      file.rewind();
      return;
    }
    // Also a copy that was read to its end: newer copies may follow it.
    copy.continueFrom(file);
    file.close();
    this.#file = copy;
    this.#mayBeCopy = true;
  }

  /**
   * At the end of `file`: moves on if the log has moved on to another file that has begun to grow, and reads the start of
   * that. An unfinished line that nobody will finish goes to `lines`.
   */
  #moveToSuccessor(file: LogFile, lines: string[]): 'stays' | 'moved' | 'look-again' {
    const successor = this.#successorOf(file);
    if (successor === undefined) return 'stays';
    const next = LogFile.open(successor.path);
    if (next === undefined) return 'look-again';
    const bytes = next.inode === successor.inode ? next.read(this.#chunkBytes) : undefined;
    // Rotation may have come in between, and the writer may have added lines before it moved on.
    const isRight = bytes?.length && this.#successorOf(file)?.inode === next.inode;
    if (!isRight || file.size() !== file.readPosition.offset) {
      next.close();
      return 'look-again';
    }
    // What is unfinished in a copy comes again; in a renamed file it ends here.
    this.#placeBefore = this.#mayBeCopy || file.readPosition.offset === 0 ? this.position : file.readPosition;
    const unfinished = this.#mayBeCopy ? undefined : this.#splitter.end();
    if (unfinished !== undefined) lines.push(unfinished);
    for (const line of this.#splitter.push(bytes)) lines.push(line);
    file.close();
    this.#file = next;
    this.#mayBeCopy = successor.path !== this.#path;
    this.#onNotice('rotated');
    return 'moved';
  }

  /** The file in which the log goes on behind `file`; undefined when there is none yet. */
  #successorOf(file: LogFile): RotatedFile | undefined {
    // Most looks find that nothing has happened, and cost one system call.
    if (describeFile(this.#path)?.inode === file.inode) return undefined;
    const { rotated, current } = lookAtLog(this.#path);
    if (current?.inode === file.inode) return undefined;
    const own = rotated.findIndex(({ inode }) => inode === file.inode);
    const modifiedMs = file.modifiedMs();
    const newer = own >= 0 ? rotated.slice(own + 1) : rotated.filter((other) => other.modifiedMs > modifiedMs);
    const next = newer[0];
    if (next !== undefined && (current === undefined || !isCopyOfLog(next, current))) return next;
    return current !== undefined && current.size > 0n ? current : undefined;
  }

  /** The file that holds `position`: the log itself, the log renamed, or a copy of it. */
  #find(position: TailPosition): LogFile | undefined {
    const log = LogFile.open(this.#path);
    if (log?.inode === position.inode && reaches(log, position)) return log;
    log?.close();
    const rotated = this.#findRotated(position);
    this.#mayBeCopy = rotated !== undefined;
    return rotated;
  }

  #findRotated(position: TailPosition): LogFile | undefined {
    const candidates = lookAtLog(this.#path).rotated.toReversed();
    // A rename keeps the inode and is the surer match.
    candidates.sort((a, b) => Number(b.inode === position.inode) - Number(a.inode === position.inode));
    for (const { path, inode } of candidates) {
      if (inode !== position.inode && position.offset === 0) continue;
      const file = LogFile.open(path);
      if (file !== undefined && file.inode === inode && reaches(file, position)) return file;
      file?.close();
      // Rotation goes on: names mean other files now.
      if (file?.inode !== inode) return this.#findRotated(position);
    }
    return undefined;
  }
}

/** A copy is not what follows a file as long as the log itself still holds the same. */
function isCopyOfLog(file: RotatedFile, log: RotatedFile): boolean {
  const copy = LogFile.open(file.path);
  const current = LogFile.open(log.path);
  try {
    return copy !== undefined && current !== undefined && copy.isStartOf(current);
  } finally {
    copy?.close();
    current?.close();
  }
}

function reaches(file: LogFile, position: TailPosition): boolean {
  return file.size() >= position.offset && file.holds(position);
}
