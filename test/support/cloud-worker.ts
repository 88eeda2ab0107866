import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { RunnerHealth } from '../../runtime/runner/server.ts';
import { callJson } from '../../runtime/shared/call-json.ts';
import { killTree } from '../../runtime/shared/process/process-tree.ts';
import type { CloudInstance } from './cloud/story.ts';
import { until } from './poll.ts';
import { type StartedProcess, startFleetCommand } from './process.ts';
import { processesOf } from './started-fleet.ts';

/** A worker's machine with its disk, and its runner while it is switched on. */
export class CloudWorker implements AsyncDisposable {
  readonly instance: CloudInstance;
  readonly dataDir: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #args: readonly string[];
  #daemon: StartedProcess | undefined;
  /** Those of earlier daemons, which may have left an engine behind. */
  readonly #daemons: StartedProcess[] = [];

  constructor(
    instance: CloudInstance,
    dataDir: string,
    env: Readonly<Record<string, string>>,
    args: readonly string[],
  ) {
    this.instance = instance;
    this.dataDir = dataDir;
    this.#env = env;
    this.#args = args;
  }

  /** Starts the runner, as systemd does at boot and after its death. */
  boot(): void {
    const env = { ...this.instance.environment, ...this.#env, MARKS: path.join(this.dataDir, 'marks') };
    this.#daemon = startFleetCommand(['runner', '--data-dir', this.dataDir, ...this.#args], { env });
    this.#daemons.push(this.#daemon);
  }

  get daemon(): StartedProcess {
    return this.#daemon!;
  }

  /** What its present runner logged under this message. */
  logged(msg: string): Record<string, unknown>[] {
    return this.daemon.lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((entry) => entry['msg'] === msg);
  }

  async untilLogged(msg: string): Promise<Record<string, unknown>> {
    await this.daemon.waitForLine(new RegExp(`"msg":"${msg}"`));
    return this.logged(msg)[0]!;
  }

  async runnerUrl(): Promise<string> {
    const [, port] = await this.daemon.waitForLine(/"msg":"runner listening".*"port":(\d+)/);
    return `http://127.0.0.1:${port}`;
  }

  async health(): Promise<RunnerHealth> {
    return (await callJson(`${await this.runnerUrl()}/health`)) as RunnerHealth;
  }

  async healthWhere(what: string, fits: (health: RunnerHealth) => boolean): Promise<RunnerHealth> {
    return await until(what, async () => {
      const health = await this.health();
      return fits(health) && health;
    });
  }

  /** Ends the engine, and lets none start again. */
  async breakEngine(): Promise<void> {
    const { engine } = await this.health();
    writeFileSync(path.join(this.dataDir, 'broken'), '');
    tryKill(engine.pid!);
  }

  /** The machine is gone from one moment to the next, with all that runs on it. */
  powerOff(): void {
    for (const { pid } of processesOf(this.daemon.pid)) tryKill(pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#daemons.map((daemon) => daemon[Symbol.asyncDispose]()));
    // An engine that a later daemon took over is no child of any of them.
    const record = path.join(this.dataDir, 'engine.json');
    if (existsSync(record)) killTree(JSON.parse(readFileSync(record, 'utf8')).identity);
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
