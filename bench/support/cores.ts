import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Which CPU cores the parties of a benchmark run on, as taskset lists; undefined where pinning is not possible. */
export interface CorePlan {
  /** The router under test alone. */
  readonly router: string;
  /** Engines, load and the benchmark itself. */
  readonly others: string;
}

/** The last core for the router, the rest for all else; interrupts usually land on the first. */
export function planCores(): CorePlan | undefined {
  const { stdout, status } = spawnSync('taskset', ['-cp', String(process.pid)], { encoding: 'utf8' });
  if (status !== 0 || availableParallelism() < 2) return undefined;
  const cores = expandCoreList(stdout.slice(stdout.lastIndexOf(':') + 1).trim());
  return { router: String(cores.at(-1)), others: cores.slice(0, -1).join(',') };
}

/** Moves this process, and so all that it starts later, to the cores. */
export function pinThisProcess(cores: string): void {
  spawnSync('taskset', ['-acp', cores, String(process.pid)]);
}

function expandCoreList(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [from, to = from] = range.split('-').map(Number);
    return Array.from({ length: to! - from! + 1 }, (_, index) => from! + index);
  });
}
