import { fstatSync, write } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const writeBytes = promisify(write);
/** Between two tries of a pipe that is full and does not block. */
const fullPipePauseMs = 20;

/**
 * Lines to an open file descriptor, each complete or not at all. (A stream over stdout drops the rest of a line when a
 * full disk takes only a part of it, and is closed by the first error.)
 */
export class LineOutput {
  readonly #fd: number;
  /** Undefined until the first line: an earlier process may have been killed inside its last one. */
  #isInsideLine: boolean | undefined;

  /** @param fd stays open; its owner closes it */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Resolves when the kernel has the whole line. After a failure (a full disk, a reader that is gone) the same line may be
   * given again: what was written of it then ends in a line of its own, which is no valid JSON.
   * @throws the system error
   */
  async write(line: string): Promise<void> {
    this.#isInsideLine ??= await endsInsideLine(this.#fd);
    const bytes = Buffer.from(`${this.#isInsideLine ? '\n' : ''}${line}\n`);
    for (let written = 0; written < bytes.length; ) {
      const count = await this.#writeSome(bytes, written);
      written += count;
      if (count > 0) this.#isInsideLine = written < bytes.length;
    }
  }

  async #writeSome(bytes: Buffer, from: number): Promise<number> {
    try {
      const { bytesWritten } = await writeBytes(this.#fd, bytes, from, bytes.length - from, null);
      return bytesWritten;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await delay(fullPipePauseMs);
      return 0;
    }
  }
}

/** Whether a file does not end with a line feed. Anything else, such as a pipe, belongs to this process alone. */
async function endsInsideLine(fd: number): Promise<boolean> {
  const stats = fstatSync(fd);
  if (!stats.isFile() || stats.size === 0) return false;
  try {
    // The descriptor itself may be for writing only.
    await using file = await open(`/proc/self/fd/${fd}`, 'r');
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, stats.size - 1);
    return buffer[0] !== 0x0a;
  } catch {
    // A line too many is no harm.
    return true;
  }
}
