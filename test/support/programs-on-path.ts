import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { temporaryDirectory } from './temporary-directory.ts';

export interface ProgramsOnPath extends AsyncDisposable {
  readonly folder: string;
  /** For the program that should find them first. */
  readonly env: { readonly PATH: string };
}

/**
 * Makes programs of test/support/programs callable by another name, in front of all others on the PATH.
 * @param programs file in test/support/programs by the name that it is called by, e.g. `{docker: 'fake-docker.ts'}`
 */
export async function programsOnPath(programs: Readonly<Record<string, string>>): Promise<ProgramsOnPath> {
  const folder = await temporaryDirectory();
  for (const [name, file] of Object.entries(programs)) {
    const wrapper = path.join(folder.path, name);
    const program = path.join(import.meta.dirname, 'programs', file);
    await writeFile(wrapper, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
    await chmod(wrapper, 0o755);
  }
  return {
    folder: folder.path,
    env: { PATH: `${folder.path}:${process.env['PATH']}` },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
