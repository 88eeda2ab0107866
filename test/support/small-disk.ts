import { execFileSync } from 'node:child_process';
import { appendFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from './temporary-directory.ts';

/** A file system of its own that can be filled. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Takes all the space that is left. */
  fill(): void;
  /** Gives it back. */
  free(): void;
}

/** A small memory file system. Undefined where mounting is not permitted. */
export async function mountSmallDisk(bytes: number): Promise<SmallDisk | undefined> {
  const folder = await temporaryDirectory();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder.path], { stdio: 'ignore' });
  } catch {
    await folder[Symbol.asyncDispose]();
    return undefined;
  }
  const ballast = path.join(folder.path, 'ballast');
  return {
    path: folder.path,
    fill() {
      for (let size = 65_536; size >= 1; size = Math.floor(size / 2)) {
        try {
          for (;;) appendFileSync(ballast, Buffer.alloc(size, 'x'));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
      }
    },
    free: () => rmSync(ballast),
    async [Symbol.asyncDispose]() {
      execFileSync('umount', ['--lazy', folder.path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}
