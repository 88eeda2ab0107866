import { mkdir, open, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { describeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { LineOutput } from './emf-writer.ts';

export interface EmfFileOptions {
  readonly path: string;
  /** The file is renamed to `.1` before it grows beyond this. */
  readonly maxBytes: number;
  /** Lines that wait because the disk is full or slow, in bytes; beyond it the oldest are dropped. */
  readonly bufferBytes: number;
  readonly log: Logger;
}

/**
 * Appends lines to a file that the CloudWatch agent follows. The agent polls the path, reads a renamed file to its end
 * and then opens the new one (its `logfile` input, release 1.300071), so rotation is a rename and never a truncation.
 * The file is opened for each write: rotation by others, several writers and a removed file need no care that way.
 */
export class EmfFile implements LineOutput {
  readonly #options: EmfFileOptions;
  #lines: string[] = [];
  #bytes = 0;
  #dropped = 0;
  #writing: Promise<void> | undefined;
  #isFailing = false;
  #mayBeTorn = false;

  constructor(options: EmfFileOptions) {
    this.#options = options;
  }

  write(line: string): void {
    this.#lines.push(line);
    this.#bytes += line.length;
    this.#keepBound();
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async close(): Promise<void> {
    await this.#writing;
    if (this.#lines.length > 0) await this.#writeAll();
    if (this.#lines.length > 0) this.#options.log.warn('metric lines lost at shutdown', { lines: this.#lines.length });
  }

  /** Stops at the first failure, until the next line comes. Never rejects. */
  async #writeAll(): Promise<void> {
    while (this.#lines.length > 0) {
      const lines = this.#lines;
      this.#lines = [];
      this.#bytes = 0;
      try {
        await this.#append(`${lines.join('\n')}\n`);
      } catch (error) {
        this.#lines = [...lines, ...this.#lines];
        this.#bytes = this.#lines.reduce((sum, line) => sum + line.length, 0);
        this.#keepBound();
        this.#reportFailure(error);
        return;
      }
      this.#reportSuccess();
    }
  }

  async #append(text: string): Promise<void> {
    const { path: file, maxBytes } = this.#options;
    const size = await sizeOf(file);
    if (size > 0 && size + Buffer.byteLength(text) > maxBytes) await ifMissing(rename(file, `${file}.1`), () => {});
    const handle = await openToAppend(file);
    try {
      // What a failed write left of a line must not swallow the next one.
      await handle.appendFile(this.#mayBeTorn ? `\n${text}` : text);
      this.#mayBeTorn = false;
    } catch (error) {
      this.#mayBeTorn = true;
      throw error;
    } finally {
      await handle.close();
    }
  }

  #keepBound(): void {
    while (this.#bytes > this.#options.bufferBytes && this.#lines.length > 1) {
      this.#bytes -= this.#lines.shift()!.length;
      this.#dropped++;
    }
  }

  #reportFailure(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#options.log.warn('metric lines cannot be written, they are kept', {
      file: this.#options.path,
      reason: describeError(error),
    });
  }

  #reportSuccess(): void {
    if (!this.#isFailing && this.#dropped === 0) return;
    this.#options.log.info('metric lines are written again', { file: this.#options.path, droppedLines: this.#dropped });
    this.#isFailing = false;
    this.#dropped = 0;
  }
}

/** In bytes; 0 when there is no such file. */
async function sizeOf(file: string): Promise<number> {
  return ifMissing(stat(file), () => undefined).then((stats) => stats?.size ?? 0);
}

/** The agent runs as root; nobody else needs to read what a fleet is worth. */
async function openToAppend(file: string) {
  const openFile = () => open(file, 'a', 0o640);
  return ifMissing(openFile(), async () => {
    await mkdir(path.dirname(file), { recursive: true });
    return openFile();
  });
}

async function ifMissing<T, U>(attempt: Promise<T>, otherwise: () => U | Promise<U>): Promise<T | U> {
  try {
    return await attempt;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return otherwise();
  }
}
