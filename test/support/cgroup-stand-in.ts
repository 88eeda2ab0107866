import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from './temporary-directory.ts';

const lookEveryMs = 10;

/**
 * A folder laid out like a delegated control group, for what a host reads and writes there. It is no kernel: nothing moves
 * and nothing is limited or killed. As a kernel does it lets a group go once everything in it was ordered to be killed.
 */
export class CgroupStandIn implements AsyncDisposable {
  readonly folder: string;
  readonly #timer: NodeJS.Timeout;
  readonly #cleanUp: AsyncDisposable;

  static async start(
    pids: readonly number[] = [process.pid],
    controllers = 'cpu io memory pids',
  ): Promise<CgroupStandIn> {
    const directory = await temporaryDirectory();
    const folder = path.join(directory.path, 'fleet-runner.service');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'cgroup.procs'), pids.map((pid) => `${pid}\n`).join(''));
    writeFileSync(path.join(folder, 'cgroup.controllers'), `${controllers}\n`);
    writeFileSync(path.join(folder, 'cgroup.subtree_control'), '');
    return new CgroupStandIn(folder, directory);
  }

  private constructor(folder: string, cleanUp: AsyncDisposable) {
    this.folder = folder;
    this.#cleanUp = cleanUp;
    this.#timer = setInterval(() => this.#letGo(), lookEveryMs);
  }

  read(file: string): string {
    return readFileSync(path.join(this.folder, file), 'utf8');
  }

  /** Names of the groups in a group. */
  groups(folder = ''): string[] {
    return readdirSync(path.join(this.folder, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  }

  /** Interface files keep a folder from being removed, which they do not do in a control group. */
  #letGo(): void {
    if (!this.groups().includes('sandboxes')) return;
    for (const name of this.groups('sandboxes')) {
      const group = path.join(this.folder, 'sandboxes', name);
      const files = readdirSync(group);
      if (files.includes('cgroup.kill')) for (const file of files) rmSync(path.join(group, file));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#cleanUp[Symbol.asyncDispose]();
  }
}
