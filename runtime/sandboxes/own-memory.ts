import { readFileSync } from 'node:fs';

/** Memory that a process has for itself, in bytes; 0 when it has ended. Linux only. */
export function readOwnMemory(pid: number): number {
  try {
    return ownMemoryBytes(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return 0;
  }
}

/**
 * Memory that a process has for itself, by its /proc/PID/status (proc(5)): anonymous and shared memory and what is
 * swapped out. Pages of program files are left out: all sandboxes share them.
 */
export function ownMemoryBytes(status: string): number {
  const kilobytes = (name: string) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0);
  return 1024 * (kilobytes('RssAnon') + kilobytes('RssShmem') + kilobytes('VmSwap'));
}
