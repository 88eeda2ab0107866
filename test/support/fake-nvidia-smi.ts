import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ProgramsOnPath, programsOnPath } from './programs-on-path.ts';

/** Rows as a machine with two GPUs of 24 GB prints them for the query of the runner. */
export const twoGpus = '0, NVIDIA L4, 23034, 595.71.05, 0\n1, NVIDIA L4, 23034, 595.71.05, 0\n';

/** An `nvidia-smi` on the PATH whose answers a test sets. */
export class FakeNvidiaSmi implements AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
  readonly #programs: ProgramsOnPath;
  readonly #folder: string;

  static async start(): Promise<FakeNvidiaSmi> {
    return new FakeNvidiaSmi(await programsOnPath({ 'nvidia-smi': 'fake-nvidia-smi.ts' }));
  }

  private constructor(programs: ProgramsOnPath) {
    this.#programs = programs;
    this.#folder = path.join(programs.folder, 'smi-state');
    mkdirSync(this.#folder);
    this.env = { ...programs.env, FAKE_NVIDIA_SMI_DIR: this.#folder };
    this.#write('calls', '');
    this.setGpus(twoGpus);
    this.setUsers([]);
  }

  setGpus(rows: string): void {
    this.#write('gpus', rows);
  }

  /** Processes that hold GPU memory, 4000 MiB each. */
  setUsers(pids: readonly number[]): void {
    this.#write('apps', pids.map((pid) => `${pid}, 4000\n`).join(''));
  }

  /** From now on every call prints this and ends with status 15. */
  fail(text: string): void {
    this.#write('failure', text);
  }

  /** How often it was asked so far. */
  asked(query: 'gpus' | 'apps'): number {
    const calls = readFileSync(path.join(this.#folder, 'calls'), 'utf8').split('\n');
    return calls.filter((call) => call === query).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#programs[Symbol.asyncDispose]();
  }

  /** Replaced at once, so that no reader sees a half. */
  #write(name: string, text: string): void {
    const file = path.join(this.#folder, name);
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  }
}
