import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { endTree } from '../../shared/process/process-tree.ts';
import { LockHeldError, RunLock } from '../../shared/process/run-lock.ts';

/** A router process that nobody watches serves nobody: its clients came through the router that was killed. */
const leftoverGraceMs = 2_000;

/**
 * Takes the folder for this router and ends the sglang-router that a killed one left behind.
 * @throws Error when another router uses the folder, or it cannot be written
 */
export async function claimStateFolder(folder: string, log: Logger): Promise<RunLock> {
  const lock = takeLock(folder);
  for (const leftover of lock.leftovers) {
    log.warn('ending the sglang-router of an earlier run', { pid: leftover.pid });
    await endTree(leftover, leftoverGraceMs);
    lock.remove(leftover.pid);
  }
  return lock;
}

function takeLock(folder: string): RunLock {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return new RunLock(path.join(folder, 'sglang-router.lock'));
  } catch (error) {
    const detail =
      error instanceof LockHeldError
        ? `process ${error.record.owner.pid} manages a sglang-router there since ${error.record.since}`
        : describeError(error);
    throw new Error(`${folder} cannot be used: ${detail}. Name another folder with --data-dir.`, { cause: error });
  }
}
