import { readFileSync } from 'node:fs';

/**
 * How many processes the kernel has killed for want of memory since boot, those over a limit of their control group
 * included (`oom_kill` in /proc/vmstat, Linux 4.13); undefined where it does not say. The kernel log would name them,
 * but a daemon may not read it.
 */
export function readKernelKills(): number | undefined {
  try {
    const count = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1];
    return count === undefined ? undefined : Number(count);
  } catch {
    return undefined; // No Linux.
  }
}
