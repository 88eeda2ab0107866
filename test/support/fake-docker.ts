import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { identifyProcess } from '../../runtime/shared/process/process-table.ts';
import { sendSignal } from '../../runtime/shared/process/process-tree.ts';
import { type FakeSglang, fakeSglang } from './fake-sglang.ts';

/** A `docker` on the PATH whose containers run programs/fake-sglang.ts. Disposal ends those that are left. */
export class FakeDocker implements AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
  readonly sglang: FakeSglang;
  readonly #folder: string;

  static async start(): Promise<FakeDocker> {
    return new FakeDocker(await fakeSglang({}, { docker: 'fake-docker.ts' }));
  }

  private constructor(sglang: FakeSglang) {
    this.sglang = sglang;
    this.#folder = path.join(sglang.folder, 'docker-state');
    mkdirSync(this.#folder);
    this.env = { ...sglang.env, FAKE_DOCKER_DIR: this.#folder };
  }

  /** Arguments of every call so far. */
  get calls(): string[][] {
    const file = path.join(this.#folder, 'calls');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    return lines.map((line) => JSON.parse(line) as string[]);
  }

  /** Pids of the containers that run. */
  get containers(): number[] {
    const files = readdirSync(this.#folder).filter((name) => name.endsWith('.pid'));
    const pids = files.map((name) => Number(readFileSync(path.join(this.#folder, name), 'utf8')));
    return pids.filter((pid) => identifyProcess(pid) !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of this.containers) sendSignal(pid, 'SIGKILL');
    await this.sglang[Symbol.asyncDispose]();
  }
}
