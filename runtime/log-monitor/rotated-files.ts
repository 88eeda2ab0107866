import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A file that log rotation made from the log: a rename of it or a copy. Compressed ones are not listed. */
export interface RotatedFile {
  readonly path: string;
  readonly inode: string;
  readonly modifiedMs: number;
}

/** `.1`, `.2` ... count up with age; `-20261122` and `-20261122-0300` (logrotate's dateext) grow with time. */
const rotationSuffix = /^(?:\.(\d{1,4})|[-.](\d{8}\S*))$/;

/** What rotation has left. */
export interface RotatedLog {
  /** Oldest first, the log itself not among them. */
  readonly rotated: readonly RotatedFile[];
  /** The log itself; undefined while it does not exist. */
  readonly current: (RotatedFile & { readonly size: bigint }) | undefined;
}

/** A rotation shifts names one by one; this many looks in a row that differ mean that something else is going on. */
const maxLooks = 20;

/**
 * The log at `logPath` and the files that rotation made of it. Names are looked up one by one, so a rotation in between
 * can hide a file or show it twice: the look is repeated until two in a row agree.
 */
export function lookAtLog(logPath: string): RotatedLog {
  let before = lookOnce(logPath);
  for (let looks = 1; looks < maxLooks; looks++) {
    const now = lookOnce(logPath);
    if (fingerprintOf(now) === fingerprintOf(before)) return now;
    before = now;
  }
  return before;
}

function lookOnce(logPath: string): RotatedLog {
  const rotated = listRotatedFiles(logPath);
  return { rotated, current: describeFile(logPath) };
}

function fingerprintOf({ rotated, current }: RotatedLog): string {
  return [...rotated, current].map((file) => `${file?.path} ${file?.inode}`).join();
}

function listRotatedFiles(logPath: string): RotatedFile[] {
  const folder = dirname(logPath);
  const names = orderRotatedNames(namesIn(folder), basename(logPath));
  const files = names.map((name) => describeFile(join(folder, name)));
  return files.filter((file) => file !== undefined && file.size > 0n) as RotatedFile[];
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

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Undefined when there is no such file, or not any more, as happens when rotation runs. */
export function describeFile(path: string): (RotatedFile & { readonly size: bigint }) | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && { path, inode: String(found.ino), modifiedMs: Number(found.mtimeMs), size: found.size };
}
