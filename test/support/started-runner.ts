import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { RunnerHealth } from '../../runtime/runner/server.ts';
import { callJson } from '../../runtime/shared/call-json.ts';
import { type ProcessIdentity, readProcessTable } from '../../runtime/shared/process/process-table.ts';
import { killTrees } from '../../runtime/shared/process/process-tree.ts';
import { until } from './poll.ts';
import { type StartedProcess, startProgram } from './process.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const runnerProgram = path.join(import.meta.dirname, '../../runtime/runner/main.ts');
const fakeEngine = path.join(import.meta.dirname, 'programs/fake-engine.ts');

export interface StartedRunnerOptions {
  readonly routerUrls?: readonly string[];
  /** Runner options beside those for ports, folders and the engine. */
  readonly args?: readonly string[];
  /** Options of programs/fake-engine.ts. */
  readonly engineArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** @default - a new folder, removed at the end */
  readonly dataDir?: string;
}

/** A runner daemon as a real process, with the fake engine on a free port. */
export class StartedRunner implements AsyncDisposable {
  readonly process: StartedProcess;
  readonly dataDir: string;
  readonly #cleanUp: AsyncDisposableStack;
  #orphans: readonly ProcessIdentity[] = [];

  static async start(options: StartedRunnerOptions = {}): Promise<StartedRunner> {
    await using stack = new AsyncDisposableStack();
    const dataDir = options.dataDir ?? stack.use(await temporaryDirectory()).path;
    const command = `${process.execPath} ${fakeEngine} --host {host} --port {port}`;
    const daemon = startProgram(
      runnerProgram,
      [
        ...(options.routerUrls ?? []).flatMap((url) => ['--router-url', url]),
        ...['--runner-id', 'test-runner', '--port', '0', '--engine-port', '0', '--data-dir', dataDir],
        ...['--engine-command', command, '--warm-sandboxes', '0'],
        ...(options.args ?? []),
        '--',
        ...(options.engineArgs ?? []),
      ],
      options.env === undefined ? {} : { env: options.env },
    );
    return new StartedRunner(stack.use(daemon), dataDir, stack.move());
  }

  private constructor(daemon: StartedProcess, dataDir: string, cleanUp: AsyncDisposableStack) {
    this.process = daemon;
    this.dataDir = dataDir;
    this.#cleanUp = cleanUp;
  }

  async url(): Promise<string> {
    const [, port] = await this.process.waitForLine(/"msg":"runner listening".*"port":(\d+)/);
    return `http://127.0.0.1:${port}`;
  }

  async health(): Promise<RunnerHealth> {
    return (await callJson(`${await this.url()}/health`)) as RunnerHealth;
  }

  /** Waits until the engine generates. */
  async ready(): Promise<RunnerHealth> {
    return await this.healthWhere('the engine is ready', ({ engine }) => engine.state === 'ready');
  }

  async healthWhere(what: string, fits: (health: RunnerHealth) => boolean): Promise<RunnerHealth> {
    return await until(what, async () => {
      const health = await this.health();
      return fits(health) && health;
    });
  }

  /** What the runner logged under this message. */
  logged(msg: string): Record<string, unknown>[] {
    return this.process.lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((entry) => entry['msg'] === msg);
  }

  /** What the engine reports as running requests from now on. */
  async setInFlight(count: number): Promise<void> {
    const { engineUrl } = await this.health();
    await callJson(`${engineUrl}/test/in-flight`, { body: { count } });
  }

  /** As by the kernel when memory is short: the runner alone. What it had started is ended with this object. */
  async killAlone(): Promise<void> {
    this.#orphans = readProcessTable().filter(({ parentPid }) => parentPid === this.process.pid);
    this.process.signal('SIGKILL');
    await this.process.waitForExit();
  }

  get engineLog(): string {
    return readFileSync(path.join(this.dataDir, 'logs/engine.log'), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    killTrees(this.#orphans);
    await this.#cleanUp[Symbol.asyncDispose]();
  }
}
