import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { describeError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { endTree } from '../shared/process/process-tree.ts';
import { LockHeldError, RunLock } from '../shared/process/run-lock.ts';
import { findLeftoverEngine, type LeftoverEngine } from './engine/engine-record.ts';
import { fail } from './errors.ts';
import type { RunnerOptions } from './options.ts';

export const lockName = 'runner.lock';
/** An engine without its runner serves nobody who could be told, so it gets little time. */
const leftoverGraceMs = 5_000;

export interface ClaimedDataDir {
  readonly lock: RunLock;
  /** Runs on, as a child of this runner. */
  readonly leftoverEngine: LeftoverEngine | undefined;
}

/**
 * Takes the data folder for this process. The engine that a killed runner left behind is kept if the options would launch
 * the same one, and is else ended: it would hold the GPU's memory and the port. What agents left behind ends.
 * @throws coded errors when another runner uses the folder or it cannot be written
 */
export async function claimDataDir(options: RunnerOptions, log: Logger): Promise<ClaimedDataDir> {
  const lock = takeLock(options.dataDir);
  const leftoverEngine = lock.leftovers.some(({ name }) => name === 'engine') ? findLeftoverEngine(options) : undefined;
  for (const leftover of lock.leftovers) {
    const { name, pid } = leftover;
    if (pid === leftoverEngine?.identity.pid) continue;
    log.warn(name === 'engine' ? 'ending the engine of an earlier run' : 'ending a sandbox of an earlier run', { pid });
    await endTree(leftover, leftoverGraceMs);
    lock.remove(leftover.pid);
  }
  return { lock, leftoverEngine };
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
