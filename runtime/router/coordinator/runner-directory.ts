import { EventEmitter } from 'node:events';
import type { RunnerRegistration } from '../../shared/protocol.ts';

/** A runner as this process knows it. */
export interface KnownRunner {
  readonly registration: RunnerRegistration;
  /** Wall clock ms. */
  lastHeartbeatAtMs: number;
  /** Wall clock ms of what it last pushed of its engine to this process. */
  lastReportAtMs?: number;
  /** False between its registration here and the moment when the store has it too. */
  isStored: boolean;
}

interface DirectoryEvents {
  /** The runner said where it is and what it has, here or to another coordinator; perhaps not for the first time. */
  known: [registration: RunnerRegistration];
  /** The runner left, died or has another address now: what was kept for it is of no use. */
  gone: [runnerId: string];
}

/** The runners that this process knows, from their own words and from the store. */
export class RunnerDirectory extends EventEmitter<DirectoryEvents> {
  readonly #runners = new Map<string, KnownRunner>();

  get size(): number {
    return this.#runners.size;
  }

  get(runnerId: string): KnownRunner | undefined {
    return this.#runners.get(runnerId);
  }

  entries(): [string, KnownRunner][] {
    return [...this.#runners];
  }

  set(runner: KnownRunner): void {
    const { runnerId, host, port } = runner.registration;
    const former = this.#runners.get(runnerId)?.registration;
    this.#runners.set(runnerId, runner);
    if (former && (former.host !== host || former.port !== port)) this.emit('gone', runnerId);
    this.emit('known', runner.registration);
  }

  delete(runnerId: string): boolean {
    const isKnown = this.#runners.delete(runnerId);
    if (isKnown) this.emit('gone', runnerId);
    return isKnown;
  }
}
