import { readdirSync, readFileSync } from 'node:fs';
import { type ProcessIdentity, readProcessTable } from '../../runtime/shared/process/process-table.ts';
import { processTree } from '../../runtime/shared/process/process-tree.ts';

/** What a process tree had used at one moment. */
export interface UsageSample {
  /** User and system time in milliseconds, in steps of a clock tick; threads that ended are included. */
  readonly tickMs: number;
  /** Run time of each live thread in nanoseconds, by `pid/tid`: exact, but an ended thread takes its time along. */
  readonly threadNs: ReadonlyMap<string, number>;
  readonly residentBytes: number;
}

/** USER_HZ, which is 100 on every Linux that Node runs on; see proc(5). */
const tickMs = 10;
const pageBytes = 4096;

/** Samples the tree of `root` from /proc (Linux only). */
export function sampleTree(root: ProcessIdentity): UsageSample {
  const threadNs = new Map<string, number>();
  let ticks = 0;
  let residentBytes = 0;
  for (const pid of processTree(root, readProcessTable())) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
      residentBytes += Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * pageBytes;
      for (const tid of readdirSync(`/proc/${pid}/task`)) {
        const schedstat = readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8');
        threadNs.set(`${pid}/${tid}`, Number.parseInt(schedstat, 10));
      }
    } catch (error) {
      // A process or thread that ended during the look; its ticks are lost with it.
      if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return { tickMs: ticks * tickMs, threadNs, residentBytes };
}

/** CPU time between two samples in microseconds: exact while no thread ended in between, else in ticks. */
export function cpuMicrosBetween(before: UsageSample, after: UsageSample): number {
  let ns = 0;
  for (const [thread, startNs] of before.threadNs) {
    const endNs = after.threadNs.get(thread);
    if (endNs === undefined) return (after.tickMs - before.tickMs) * 1_000;
    ns -= startNs;
  }
  for (const endNs of after.threadNs.values()) ns += endNs;
  return ns / 1_000;
}

/** Largest resident size of the tree while `work` runs, in bytes. */
export async function peakResidentBytes<T>(root: ProcessIdentity, work: () => Promise<T>): Promise<[T, number]> {
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, sampleTree(root).residentBytes);
  };
  const timer = setInterval(look, 50);
  try {
    const result = await work();
    look();
    return [result, peak];
  } finally {
    clearInterval(timer);
  }
}
