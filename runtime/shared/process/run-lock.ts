import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { identifyProcess, isRunning, type ProcessIdentity, readProcessTable } from './process-table.ts';
import { processTree } from './process-tree.ts';

/** What a lock file says: who runs, and which processes it started. */
export interface RunRecord {
  readonly owner: ProcessIdentity;
  /** Owner's start, ISO 8601, for messages. */
  readonly since: string;
  readonly children: readonly ChildRecord[];
}

export interface ChildRecord extends ProcessIdentity {
  /** What the child is, for messages. */
  readonly name: string;
}

/** Another live process holds the lock. */
export class LockHeldError extends Error {
  readonly record: RunRecord;

  constructor(path: string, record: RunRecord) {
    super(`${path} is held by process ${record.owner.pid} since ${record.since}`);
    this.name = 'LockHeldError';
    this.record = record;
  }
}

/**
 * A lock file that one process of a data folder holds while it runs. It also lists the processes that the holder
 * started, so that the next holder can end those that a killed one left behind.
 * File calls are synchronous: the list must be on disk before anything can go wrong with a new child.
 */
export class RunLock implements Disposable {
  /** Children of an earlier holder that still run. They are this holder's to end. */
  readonly leftovers: readonly ChildRecord[];
  readonly #path: string;
  #record: RunRecord;

  /** @throws LockHeldError; file system errors. */
  constructor(path: string) {
    this.#path = path;
    this.#record = { owner: identifyProcess(process.pid)!, since: new Date().toISOString(), children: [] };
    const stale: RunRecord[] = [];
    while (!this.#create()) {
      const held = readRunRecord(path);
      if (held && isRunning(held.owner)) throw new LockHeldError(path, held);
      if (held) stale.push(held);
      rmSync(path, { force: true });
    }
    this.leftovers = stale.flatMap(liveChildren);
    // Kept on the list until they are gone, in case this holder is killed as well.
    for (const leftover of this.leftovers) this.#write([...this.#record.children, leftover]);
  }

  add(name: string, pid: number): void {
    const identity = identifyProcess(pid);
    // A child that is gone already has nothing to clear.
    if (identity) this.#write([...this.#record.children, { name, ...identity }]);
  }

  remove(pid: number): void {
    this.#write(this.#record.children.filter((child) => child.pid !== pid));
  }

  /** Gives the lock up; harmless when called again. */
  release(): void {
    if (readRunRecord(this.#path)?.owner.startedAt === this.#record.owner.startedAt)
      rmSync(this.#path, { force: true });
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** Writes a whole file and links it into place: readers never see a half, and only one of two starters succeeds. */
  #create(): boolean {
    const draft = `${this.#path}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(this.#record), { mode: 0o600 });
    try {
      linkSync(draft, this.#path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      rmSync(draft, { force: true });
    }
  }

  #write(children: readonly ChildRecord[]): void {
    this.#record = { ...this.#record, children };
    const draft = `${this.#path}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(this.#record), { mode: 0o600 });
    renameSync(draft, this.#path);
  }
}

/** The record in a lock file; undefined when there is none or it is not readable as one. */
export function readRunRecord(path: string): RunRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(path, 'utf8')) as Partial<RunRecord>;
    return typeof record.owner?.pid === 'number' && Array.isArray(record.children) ? (record as RunRecord) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Children of a dead holder of which something still runs: the very same process, or others of the group that it led. */
export function liveChildren(record: RunRecord): ChildRecord[] {
  const table = readProcessTable();
  return record.children.filter((child) => processTree(child, table).length > 0);
}
