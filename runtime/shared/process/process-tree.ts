import { setTimeout as delay } from 'node:timers/promises';
import { type ProcessIdentity, type ProcessRow, readProcessTable } from './process-table.ts';

/**
 * Pids of everything that belongs to `root`: itself, its descendants, and the members of the process groups that any
 * of them lead. Groups find the children of a process that has already died, when it was started as a group leader.
 * Empty when the pid of `root` meanwhile belongs to another process.
 */
export function processTree(root: ProcessIdentity, table: readonly ProcessRow[]): number[] {
  const reused = table.some((row) => row.pid === root.pid && row.startedAt !== root.startedAt);
  if (reused) return [];
  const members = new Set([root.pid]);
  for (let grew = true; grew; ) {
    grew = false;
    for (const row of table) {
      if (members.has(row.pid) || !(members.has(row.parentPid) || members.has(row.groupId))) continue;
      members.add(row.pid);
      grew = true;
    }
  }
  return table.map((row) => row.pid).filter((pid) => members.has(pid));
}

/** Sends SIGKILL to the whole tree of `root`; see `killTrees`. */
export function killTree(root: ProcessIdentity): number {
  return killTrees([root]);
}

/**
 * Sends SIGKILL to the whole trees of `roots` and returns how many processes it was sent to. Synchronous, for use while
 * exiting. Looks again until the trees are empty, since a process may fork between the look and the signal.
 */
export function killTrees(roots: readonly ProcessIdentity[]): number {
  let killed = 0;
  for (let round = 0; round < 5; round++) {
    const table = readProcessTable();
    const pids = new Set(roots.flatMap((root) => processTree(root, table)));
    if (pids.size === 0) break;
    for (const pid of pids) killed += sendSignal(pid, 'SIGKILL') ? 1 : 0;
  }
  return killed;
}

/**
 * Ends the tree of `root`: SIGTERM to `root` alone, which knows how to end its own children (an SGLang parent whose
 * children are signalled as well dies without draining), SIGKILL to all that is left after `graceMs`.
 */
export async function endTree(root: ProcessIdentity, graceMs: number): Promise<void> {
  const alive = () => processTree(root, readProcessTable());
  if (alive().includes(root.pid)) sendSignal(root.pid, 'SIGTERM');
  const deadline = performance.now() + graceMs;
  while (alive().includes(root.pid) && performance.now() < deadline) await delay(50);
  killTree(root);
  while (alive().length > 0) await delay(10);
}

/** False when the process no longer exists. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
