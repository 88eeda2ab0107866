import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { describeError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { endTree } from '../shared/process/process-tree.ts';
import { LockHeldError, RunLock } from '../shared/process/run-lock.ts';
import { fail } from './errors.ts';

export const lockName = 'runner.lock';
/** An engine without its runner serves nobody who could be told, so it gets little time. */
const leftoverGraceMs = 5_000;

/**
 * Takes the data folder for this process and ends the engine that a killed runner left behind: it would hold the GPU's
 * memory and the port. What agents left behind ends as well. @throws coded errors when another runner uses the folder or it cannot be written
 */
export async function claimDataDir(dataDir: string, log: Logger): Promise<RunLock> {
  const lock = takeLock(dataDir);
  for (const leftover of lock.leftovers) {
    const { name, pid } = leftover;
    log.warn(name === 'engine' ? 'ending the engine of an earlier run' : 'ending a sandbox of an earlier run', { pid });
    await endTree(leftover, leftoverGraceMs);
    lock.remove(leftover.pid);
  }
  return lock;
}

function takeLock(dataDir: string): RunLock {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    return new RunLock(path.join(dataDir, lockName));
  } catch (error) {
    if (error instanceof LockHeldError) {
      const { owner, since } = error.record;
      throw fail('DATA_DIR_IN_USE', { pid: owner.pid, since, dataDir }, { cause: error });
    }
    throw fail('DATA_DIR_UNWRITABLE', { dataDir, reason: describeError(error) }, { cause: error });
  }
}
