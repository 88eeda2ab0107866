import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { readOwnMemory } from '../../sandboxes/own-memory.ts';
import { type ProcessIdentity, readProcessTable } from '../../shared/process/process-table.ts';
import { processTree } from '../../shared/process/process-tree.ts';

/** Share of all cores that was busy since the function was made, 0 to 1. */
export type CpuMeter = () => number;

/** Linux counts the CPU time of processes in hundredths of a second, whatever the kernel (sysconf(3), _SC_CLK_TCK). */
const tickMs = 10;

/**
 * Measures what the measurement itself takes, this process and the tree of `root`, so that other work on the machine does not
 * count. Without a root, and where there is no /proc: what the whole machine does.
 */
export function startCpuMeter(root: ProcessIdentity | undefined): CpuMeter {
  if (root === undefined || process.platform !== 'linux') return machineMeter();
  const startedAt = performance.now();
  const before = treeCpuMs(root);
  return () => (treeCpuMs(root) - before) / (performance.now() - startedAt) / availableParallelism();
}

/** Memory taken since the function was made, in bytes. */
export type MemoryMeter = () => number;

/** As the CPU meter: of the tree of `root`, or what the machine has less of than before. */
export function startMemoryMeter(root: ProcessIdentity | undefined): MemoryMeter {
  if (root === undefined || process.platform !== 'linux') {
    const before = availableBytes();
    return () => before - availableBytes();
  }
  const before = treeMemoryBytes(root);
  return () => treeMemoryBytes(root) - before;
}

/** What this machine (or its control group) could still give, in bytes. */
export function availableBytes(): number {
  return process.availableMemory();
}

function treeMemoryBytes(root: ProcessIdentity): number {
  return processTree(root, readProcessTable()).reduce((sum, pid) => sum + readOwnMemory(pid), 0);
}

function treeCpuMs(root: ProcessIdentity): number {
  const own = process.cpuUsage();
  const pids = processTree(root, readProcessTable());
  return pids.reduce((sum, pid) => sum + processCpuMs(pid), (own.user + own.system) / 1_000);
}

/** User and system time from /proc/PID/stat (proc(5), fields 14 and 15); 0 when it has ended. */
function processCpuMs(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return tickMs * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return 0;
  }
}

function machineMeter(): CpuMeter {
  const before = machineTimes();
  return () => {
    const now = machineTimes();
    return now.total === before.total ? 0 : (now.busy - before.busy) / (now.total - before.total);
  };
}

function machineTimes(): { busy: number; total: number } {
  const cores = cpus().map(({ times }) => ({
    idle: times.idle,
    total: Object.values(times).reduce((sum, ms) => sum + ms, 0),
  }));
  const total = cores.reduce((sum, core) => sum + core.total, 0);
  return { total, busy: total - cores.reduce((sum, core) => sum + core.idle, 0) };
}
