// Installs the locked dependencies when node_modules is missing or older than the lockfile, so that `npm start` and
// `npm test` work as the only command on a fresh clone. Plain JavaScript: it must run on whatever Node the machine has.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Modification time in ms, 0 when the file does not exist. */
function modifiedAt(relative) {
  try {
    return statSync(path.join(root, relative)).mtimeMs;
  } catch {
    return 0;
  }
}

// npm writes this file last, so a half-finished install does not count as done.
if (modifiedAt('node_modules/.package-lock.json') < modifiedAt('package-lock.json')) {
  console.log('Installing dependencies (npm ci), about a minute the first time ...');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status, error } = spawnSync(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error(
      `npm ci failed${error ? `: ${error.message}` : ''}. Check the network and the registry, then try again.`,
    );
    process.exit(status ?? 1);
  }
}
