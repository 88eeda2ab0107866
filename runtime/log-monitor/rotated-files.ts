import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A file that log rotation made from the log: a rename of it or a copy. Compressed ones are not listed. */
export interface RotatedFile {
  readonly path: string;
  readonly inode: string;
  readonly modifiedMs: number;
}

/** `.1`, `.2` ... count up with age; `-20261122` and `-20261122-0300` (logrotate's dateext) grow with time. */
const rotationSuffix = /^(?:\.(\d{1,4})|[-.](\d{8}\S*))$/;

/** Rotated files beside `logPath`, oldest first. */
export async function listRotatedFiles(logPath: string): Promise<RotatedFile[]> {
  const folder = dirname(logPath);
  const names = orderRotatedNames(await namesIn(folder), basename(logPath));
  const files = await Promise.all(names.map((name) => describe(join(folder, name))));
  return files.filter((file) => file !== undefined);
}

/** The names among `names` that rotation derives from `base`, oldest first. */
export function orderRotatedNames(names: readonly string[], base: string): string[] {
  return names
    .filter((name) => name.startsWith(base))
    .map((name) => ({ name, match: rotationSuffix.exec(name.slice(base.length)) }))
    .filter(({ name, match }) => match !== null && !/\.(?:gz|xz|zst|bz2)$/.test(name))
    .map(({ name, match }) => ({ name, age: Number(match![1] ?? Number.NaN), date: match![2] ?? '' }))
    .sort((a, b) => (a.date || b.date ? compare(a.date, b.date) : b.age - a.age))
    .map(({ name }) => name);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Undefined when the file vanished in the meantime, as it does when rotation runs. */
async function describe(path: string): Promise<RotatedFile | undefined> {
  try {
    const { ino, mtimeMs, size } = await stat(path, { bigint: true });
    return size === 0n ? undefined : { path, inode: String(ino), modifiedMs: Number(mtimeMs) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
