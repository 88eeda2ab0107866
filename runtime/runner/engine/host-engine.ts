import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessEnd, RunningProcess } from '../../shared/process/owned-process.ts';
import { type ProcessIdentity, readProcessTable } from '../../shared/process/process-table.ts';
import { killTrees, processTree } from '../../shared/process/process-tree.ts';
import type { EngineProcess } from './engine-process.ts';
import { waitForGpuMemory } from './gpu/gpu-memory.ts';

/** A process that a driver holds in the kernel cannot be killed; the next launch is not held up by it for ever. */
const killLimitMs = 10_000;
const gpuMemoryLimitMs = 30_000;
const pollMs = 50;

/** An engine that runs as a process of this machine, with all that it starts. */
export class HostEngine implements EngineProcess {
  readonly #process: RunningProcess;
  /**
   * Every process that was ever seen to belong to it, by pid. One in a session of its own is found by nothing else once its parent is
   * dead, and a dead one may still hold GPU memory.
   */
  readonly #members = new Map<number, ProcessIdentity>();

  constructor(process: RunningProcess) {
    this.#process = process;
    this.look();
  }

  get identity(): ProcessIdentity | undefined {
    return this.#process.identity;
  }

  get ended(): Promise<ProcessEnd> {
    return this.#process.ended;
  }

  look(): void {
    if (this.identity === undefined) return;
    const table = readProcessTable();
    const pids = new Set(processTree(this.identity, table));
    for (const row of table) {
      if (pids.has(row.pid)) this.#members.set(row.pid, { pid: row.pid, startedAt: row.startedAt });
    }
  }

  async stop(graceMs: number): Promise<void> {
    this.look();
    await this.#process.stop(graceMs);
  }

  async clear(signal: AbortSignal): Promise<string | null> {
    this.look();
    this.kill();
    // Nobody launches an engine behind this one.
    if (signal.aborted) return null;
    const survivors = await this.#survivors();
    if (survivors.length > 0) return `processes ${survivors.join(', ')} cannot be killed`;
    const holders = await waitForGpuMemory(new Set(this.#members.keys()), gpuMemoryLimitMs, signal);
    if (holders.length === 0) return null;
    return `GPU memory of dead processes: ${holders.map(({ pid, memoryMiB }) => `${pid} (${memoryMiB ?? '?'} MiB)`).join(', ')}`;
  }

  kill(): void {
    this.#process.kill();
    killTrees([...this.#members.values()]);
  }

  async #survivors(): Promise<number[]> {
    const deadline = performance.now() + killLimitMs;
    for (;;) {
      const alive = this.#alive();
      if (alive.length === 0 || performance.now() >= deadline) return alive;
      await delay(pollMs);
    }
  }

  #alive(): number[] {
    const table = readProcessTable();
    return [...new Set([...this.#members.values()].flatMap((member) => processTree(member, table)))];
  }
}
