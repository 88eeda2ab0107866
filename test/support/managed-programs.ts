import { existsSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ManagedOptions } from '../../runtime/router/managed/options.ts';

/** A program that the managed router can be: the real sglang-router, or what stands in for it. */
export interface ManagedProgram {
  readonly name: string;
  /** The options of `fleet router` that choose it, without arguments of its own. @param folder for what it needs on disk */
  prepare(folder: string): Promise<Pick<ManagedOptions, 'python' | 'program'>>;
}

const root = path.join(import.meta.dirname, '../..');
/** Where scripts/install-sglang-router.sh puts it. */
const installedPython = path.join(root, '.cache/bench-peers/sglang-router/bin/python');
const standIn = path.join(root, 'test/support/programs/sglang-router-stand-in.ts');

export const standInProgram: ManagedProgram = {
  name: 'a stand-in for sglang-router',
  async prepare(folder) {
    const program = path.join(folder, 'sglang-router');
    await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${standIn}' "$@"\n`);
    await chmod(program, 0o755);
    return { python: 'python3', program };
  },
};

/**
 * The stand-in, and the real sglang-router where it is installed. SGLANG_ROUTER_PYTHON names the Python that has it and
 * must then be there: whoever sets it wants the real one tested.
 */
export function managedPrograms(): ManagedProgram[] {
  const named = process.env['SGLANG_ROUTER_PYTHON'];
  const python = named ?? installedPython;
  if (!existsSync(python)) {
    if (named === undefined) return [standInProgram];
    throw new Error(`SGLANG_ROUTER_PYTHON is ${named}, which is not there: run scripts/install-sglang-router.sh.`);
  }
  return [standInProgram, { name: 'sglang-router', prepare: async () => ({ python, program: undefined }) }];
}
