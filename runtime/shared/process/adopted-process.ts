import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessEnd, RunningProcess } from './owned-process.ts';
import { isRunning, type ProcessIdentity } from './process-table.ts';
import { endTree, killTree } from './process-tree.ts';

const lookMs = 200;

/** A process that an earlier run of its owner started, and that outlived it. Its exit status goes to another parent. */
export class AdoptedProcess implements RunningProcess {
  readonly identity: ProcessIdentity;
  readonly ended: Promise<ProcessEnd>;

  constructor(identity: ProcessIdentity) {
    this.identity = identity;
    this.ended = this.#watch();
  }

  async stop(graceMs: number): Promise<void> {
    await endTree(this.identity, graceMs);
  }

  kill(): void {
    killTree(this.identity);
  }

  async #watch(): Promise<ProcessEnd> {
    while (isRunning(this.identity)) await delay(lookMs, undefined, { ref: false });
    const reason = 'ended, with a status that only an earlier runner could have learned';
    return { code: null, signal: null, reason, at: new Date().toISOString() };
  }
}
