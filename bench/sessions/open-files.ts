import { readFileSync } from 'node:fs';

/** Files and sockets that a process started by this one may have open. Linux only; Node raises the soft limit to the hard one. */
export function openFilesLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const hard = limits.match(/^Max open files +\S+ +(\S+)/m)?.[1];
  return hard === 'unlimited' || hard === undefined ? Number.POSITIVE_INFINITY : Number(hard);
}
