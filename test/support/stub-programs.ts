import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

/** Programs that write down how they were called instead of doing anything to the machine, for scripts under test. */
export class StubPrograms {
  readonly #folder: string;
  readonly #log: string;

  /** @param programs bash that runs after the call was written down, by the program's name; '' does nothing more */
  static async in(folder: string, programs: Readonly<Record<string, string>>): Promise<StubPrograms> {
    const bin = path.join(folder, 'bin');
    await mkdir(bin);
    const log = path.join(folder, 'calls');
    await writeFile(log, '');
    for (const [name, then] of Object.entries(programs)) {
      const file = path.join(bin, name);
      await writeFile(file, `#!/bin/bash\necho "${name} $*" >>${log}\n${then}\n`);
      await chmod(file, 0o755);
    }
    return new StubPrograms(bin, log);
  }

  private constructor(folder: string, log: string) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Name and arguments of every call, in order. */
  get calls(): string[] {
    return readFileSync(this.#log, 'utf8').split('\n').slice(0, -1);
  }

  /** Runs a bash script to its end. @throws when it fails */
  async run(script: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
    await promisify(execFile)('bash', [script, ...args], {
      env: { ...process.env, ...env, PATH: `${this.#folder}:${process.env['PATH']}` },
      timeout: 20_000,
    });
  }
}
