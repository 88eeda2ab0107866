import { type ProcessRow, readProcessTable } from '../shared/process/process-table.ts';
import { processTree } from '../shared/process/process-tree.ts';
import { readOwnMemory } from './own-memory.ts';
import type { Sandbox } from './sandbox.ts';

/** A sandbox that grows by a gigabyte in a second is found when it has grown by half of one. */
const intervalMs = 500;

/**
 * Looks at all sandboxes again and again: kills the ones that have grown past their limit, where no control group does,
 * and notes which processes belong to each. Linux only; elsewhere it does nothing.
 */
export class ResourceWatch {
  readonly #sandboxes: () => Iterable<Sandbox>;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(sandboxes: () => Iterable<Sandbox>) {
    this.#sandboxes = sandboxes;
    if (process.platform === 'linux') this.#timer = setInterval(() => this.#look(), intervalMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const watched = [...this.#sandboxes()];
    for (const [sandbox, rows] of noteFamilies(watched)) {
      if (sandbox.memoryMb === null) continue;
      const bytes = rows.reduce((sum, { pid }) => sum + readOwnMemory(pid), 0);
      if (bytes <= sandbox.memoryMb * 1024 * 1024) continue;
      sandbox.kill({
        code: 'SANDBOX_OUT_OF_MEMORY',
        reason: `it uses ${Math.ceil(bytes / 1024 / 1024)} MiB of memory, its limit is ${sandbox.memoryMb} MiB`,
      });
    }
  }
}

/** Tells each sandbox which processes belong to it now. Reads the table of processes once, whatever their number. */
export function noteFamilies(sandboxes: readonly Sandbox[]): Map<Sandbox, readonly ProcessRow[]> {
  if (sandboxes.length === 0) return new Map();
  const table = readProcessTable();
  const families = familiesOf(
    sandboxes.map(({ identity }) => identity?.pid ?? 0),
    table,
  );
  for (const [index, sandbox] of sandboxes.entries()) sandbox.noteFamily(families[index]!);
  return new Map(sandboxes.map((sandbox, index) => [sandbox, families[index]!]));
}

/** The processes of each root. */
function familiesOf(roots: readonly number[], table: readonly ProcessRow[]): ProcessRow[][] {
  const byPid = new Map(table.map((row) => [row.pid, row]));
  const parents = new Set(table.map(({ parentPid }) => parentPid));
  return roots.map((pid) => {
    const root = byPid.get(pid);
    if (!root) return [];
    // Most have no child: the search through the table is for those that do.
    if (!parents.has(pid)) return [root];
    return processTree(root, table).flatMap((member) => byPid.get(member) ?? []);
  });
}
