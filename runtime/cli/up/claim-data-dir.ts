import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { lockName as runnerLockName } from '../../runner/data-dir.ts';
import { describeError } from '../../shared/errors.ts';
import { isRunning } from '../../shared/process/process-table.ts';
import { endTree } from '../../shared/process/process-tree.ts';
import {
  type ChildRecord,
  LockHeldError,
  liveChildren,
  RunLock,
  readRunRecord,
} from '../../shared/process/run-lock.ts';
import { UserError } from '../user-error.ts';
import type { ConsoleOutput } from './console-output.ts';
import { shownPath } from './shown-path.ts';

/** Enough for a daemon that is ending by itself already; one without its parent serves nobody. */
const leftoverGraceMs = 3_000;

/**
 * Takes the data folder for this run and ends what a killed one left behind. @throws UserError
 */
export async function claimDataDir(dataDir: string, output: ConsoleOutput): Promise<RunLock> {
  const lock = takeLock(dataDir);
  const leftovers = [...lock.leftovers, ...orphanedEngines(dataDir)];
  if (leftovers.length > 0) {
    await Promise.all(leftovers.map((leftover) => endTree(leftover, leftoverGraceMs)));
    for (const { pid } of leftovers) lock.remove(pid);
    const names = leftovers.map(({ name, pid }) => `${name} (process ${pid})`).join(', ');
    output.step(`an earlier run was killed; ended what it left behind: ${names}`);
  }
  return lock;
}

function takeLock(dataDir: string): RunLock {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    return new RunLock(path.join(dataDir, 'up.lock'));
  } catch (error) {
    const shown = shownPath(dataDir);
    if (error instanceof LockHeldError) {
      const { owner, since } = error.record;
      throw new UserError(
        `another local fleet already runs on ${shown} (process ${owner.pid}, since ${since}).\n` +
          `Stop it with Ctrl-C in its terminal or \`kill ${owner.pid}\`, ` +
          'or start a second fleet with --data-dir and --port.',
        { cause: error },
      );
    }
    throw new UserError(`cannot write to ${shown}: ${describeError(error)}.\nName another folder with --data-dir.`, {
      cause: error,
    });
  }
}

/** Engines of runners that were killed, also of workers that this run will not have. */
function orphanedEngines(dataDir: string): ChildRecord[] {
  return readdirSync(dataDir)
    .map((name) => path.join(dataDir, name, runnerLockName))
    .filter((file) => existsSync(file))
    .map((file) => readRunRecord(file))
    .flatMap((record) => (record && !isRunning(record.owner) ? liveChildren(record) : []));
}
