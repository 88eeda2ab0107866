import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { repositoryRoot } from './fleet-templates.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface ScriptRun {
  readonly code: number | null;
  readonly output: string;
  /** Stand-ins that were called, in their order, with their arguments. */
  readonly calls: readonly string[];
}

/** A machine for a script of lib/machine: a folder, and stand-ins for the programs that only a real one has. */
export interface ScriptMachine extends AsyncDisposable {
  readonly folder: string;
  run(script: string, args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<ScriptRun>;
}

/** @param programs bash of each stand-in, by its name; it finds the machine's folder in `$MACHINE` */
export async function scriptMachine(programs: Readonly<Record<string, string>>): Promise<ScriptMachine> {
  const directory = await temporaryDirectory();
  const folder = directory.path;
  const bin = path.join(folder, 'bin');
  const record = path.join(folder, 'calls');
  await mkdir(bin);
  for (const [name, body] of Object.entries(programs)) {
    const file = path.join(bin, name);
    await writeFile(file, `#!/bin/bash\necho "${name} $*" >>"$MACHINE/calls"\n${body}\n`);
    await chmod(file, 0o755);
  }
  return {
    folder,
    async run(script, args, environment = {}) {
      await writeFile(record, '');
      const { status, stdout, stderr } = spawnSync(path.join(repositoryRoot, 'lib/machine', script), args, {
        env: { PATH: `${bin}:${process.env['PATH']}`, HOME: folder, MACHINE: folder, ...environment },
        encoding: 'utf8',
      });
      const calls = (await readFile(record, 'utf8')).split('\n').filter((line) => line !== '');
      return { code: status, output: stdout + stderr, calls };
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}
