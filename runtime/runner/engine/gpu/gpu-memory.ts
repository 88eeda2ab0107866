import { setTimeout as delay } from 'node:timers/promises';
import { callNvidiaSmi, csvRows } from './nvidia-smi.ts';

/** A process that holds memory of a GPU. */
export interface GpuUser {
  readonly pid: number;
  /** Null when the driver does not say. */
  readonly memoryMiB: number | null;
}

const query = ['--query-compute-apps=pid,used_memory', '--format=csv,noheader,nounits'];
const pollMs = 200;

/** Undefined when `nvidia-smi` is absent or fails. */
async function readGpuUsers(): Promise<readonly GpuUser[] | undefined> {
  const answer = await callNvidiaSmi(query);
  if (answer.kind !== 'text') return undefined;
  return csvRows(answer.text).flatMap(([pid, memory]) => {
    if (!/^\d+$/.test(pid!)) return [];
    return [{ pid: Number(pid), memoryMiB: /^\d+$/.test(memory ?? '') ? Number(memory) : null }];
  });
}

/**
 * Waits until none of these processes holds GPU memory: the driver frees the memory of a dead process only when it has torn down
 * what ran on the GPU, and an engine that is launched before has that much less for its KV pool.
 * @returns those that still hold memory when `limitMs` is over; none when `nvidia-smi` cannot say
 */
export async function waitForGpuMemory(
  pids: ReadonlySet<number>,
  limitMs: number,
  signal: AbortSignal,
): Promise<readonly GpuUser[]> {
  if (pids.size === 0) return [];
  const deadline = performance.now() + limitMs;
  for (;;) {
    const holders = (await readGpuUsers())?.filter(({ pid }) => pids.has(pid)) ?? [];
    if (holders.length === 0 || signal.aborted || performance.now() >= deadline) return holders;
    await delay(pollMs, undefined, { signal }).catch(() => undefined);
  }
}
