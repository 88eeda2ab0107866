import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { startEngineServer } from '../../runtime/engine-sim/server.ts';
import type { RunnerHealth } from '../../runtime/runner/server.ts';
import { callJson } from '../../runtime/shared/call-json.ts';
import { findFreePorts } from '../../runtime/shared/process/free-port.ts';
import { type StartedProcess, startFleetCommand } from '../support/process.ts';
import { StartedPostgres } from '../support/started-postgres.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { type Daemon, nameOf } from './chaos-plan.ts';

export interface ChaosFleetOptions {
  readonly routers: number;
  readonly runners: number;
  readonly maxSandboxes: number;
  /** API keys by the id of their owner. */
  readonly keys: Readonly<Record<string, string>>;
  /** Divides the times of liveness and registration. */
  readonly timeScale: number;
}

/** A session that the store has as active or starting, where no living runner is. */
export interface LostRow {
  readonly id: string;
  readonly status: string;
  readonly runner_id: string | null;
}

const host = '127.0.0.1';
const agentProgram = path.join(import.meta.dirname, '../support/programs/counting-agent.sh');
const startDeadlineMs = 60_000;
const liveDaemon = /"msg":"(router|runner) listening"/;

/**
 * Routers and runners as real processes on one Postgres, at addresses that stay over restarts. Every runner has a simulated
 * engine, all of them in this process. Disposal ends everything.
 */
export class ChaosFleet implements AsyncDisposable {
  readonly routerUrls: readonly string[] = [];
  readonly runnerUrls: readonly string[] = [];
  readonly #commands = new Map<string, readonly string[]>();
  readonly #running = new Map<string, StartedProcess>();
  readonly #errors: string[] = [];
  readonly #options: ChaosFleetOptions;
  readonly #cleanUp = new AsyncDisposableStack();
  #postgres!: StartedPostgres;
  #databaseUrl!: string;
  /** This run's own copy of the agent: whatever has it in its command line is one of our sandboxes. */
  #agentFile!: string;

  static async start(options: ChaosFleetOptions): Promise<ChaosFleet> {
    const fleet = new ChaosFleet(options);
    try {
      await fleet.#start();
      return fleet;
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(options: ChaosFleetOptions) {
    this.#options = options;
  }

  /** As `kill -9` does. @returns false when it had ended by itself before */
  async kill(daemon: Daemon): Promise<boolean> {
    const running = this.#running.get(nameOf(daemon))!;
    const isOurDoing = !running.hasEnded;
    running.signal('SIGKILL');
    await running.waitForExit();
    this.#errors.push(...errorsOf(running));
    return isOurDoing;
  }

  startAgain(daemon: Daemon): void {
    const name = nameOf(daemon);
    const env = {
      FLEET_API_KEYS: Object.entries(this.#options.keys)
        .map((pair) => pair.join(':'))
        .join(),
      FLEET_INTERNAL_SECRET: 'chaos',
    };
    this.#running.set(name, startFleetCommand(this.#commands.get(name)!, { env }));
  }

  async stopDatabase(): Promise<void> {
    await this.#postgres.stop();
  }

  async startDatabase(): Promise<void> {
    await this.#postgres.startAgain();
  }

  /** Waits until every daemon answers that was started last. */
  async untilUp(): Promise<void> {
    for (const running of this.#running.values()) await running.waitForLine(liveDaemon, startDeadlineMs);
  }

  /** Sandboxes that the runners say they have for sessions. */
  async sandboxesOfSessions(): Promise<number> {
    const healths = await Promise.all(
      this.runnerUrls.map(async (url) => (await callJson(`${url}/health`)) as RunnerHealth),
    );
    return healths.reduce((total, { pool }) => total + pool.activeCount, 0);
  }

  /** Processes of sandboxes, whoever their parent is. Linux only. */
  sandboxProcesses(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => readCommand(pid).includes(this.#agentFile))
      .map(Number);
  }

  async lostRows(): Promise<LostRow[]> {
    const client = new pg.Client(this.#databaseUrl);
    await client.connect();
    try {
      const aliveSinceMs = Date.now() - 30_000 / this.#options.timeScale;
      const { rows } = await client.query<LostRow>(
        `select id, status, runner_id from sessions where status in ('active', 'starting')
           and coalesce(runner_id, '') not in (select id from runners where last_heartbeat_at_ms >= $1)`,
        [aliveSinceMs],
      );
      return rows;
    } finally {
      await client.end();
    }
  }

  /** The runners end in good order, their sandboxes with them. */
  async stopRunners(): Promise<void> {
    const runners = [...this.#running].filter(([name]) => name.startsWith('runner')).map(([, running]) => running);
    for (const running of runners) running.signal('SIGTERM');
    for (const running of runners) await running.waitForExit(startDeadlineMs);
  }

  /** Daemons that do not run, though nobody ended them. */
  fallen(): string[] {
    return [...this.#running].filter(([, running]) => running.hasEnded).map(([name]) => name);
  }

  /** Errors of all daemons, also of those that were started again since, and the last lines of those that run. */
  logs(lines: number): string {
    const ends = [...this.#running].flatMap(([name, running]) => [`== ${name}`, ...running.lines.slice(-lines)]);
    return [...this.#errors, ...[...this.#running.values()].flatMap(errorsOf), ...ends].join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#running.values()) await running[Symbol.asyncDispose]();
    await this.#cleanUp.disposeAsync();
  }

  async #start(): Promise<void> {
    const { routers, runners, timeScale, maxSandboxes } = this.#options;
    const stack = this.#cleanUp;
    const folder = stack.use(await temporaryDirectory()).path;
    this.#postgres = stack.use(await StartedPostgres.start());
    this.#databaseUrl = await this.#postgres.createDatabase();
    this.#agentFile = path.join(folder, 'counting-agent.sh');
    copyFileSync(agentProgram, this.#agentFile);
    const agentsFile = path.join(folder, 'agents.yaml');
    const agents = [{ name: 'counting', command: ['bash', this.#agentFile], memoryMb: 0 }];
    writeFileSync(agentsFile, JSON.stringify({ agents }));
    const urls = (await findFreePorts(routers + runners, host)).map((port) => `http://${host}:${port}`);
    Object.assign(this, { routerUrls: urls.slice(0, routers), runnerUrls: urls.slice(routers) });
    const scale = ['--time-scale', String(timeScale)];
    for (const [index, url] of this.routerUrls.entries()) {
      const store = ['--database-url', this.#databaseUrl, '--prefix-memory-mb', '1'];
      const command = ['router', '--port', new URL(url).port, ...store, ...scale];
      this.#commands.set(nameOf({ kind: 'router', index }), command);
    }
    for (const [index, url] of this.runnerUrls.entries()) {
      const engine = await startEngineServer({ timeScale: 50, meanOutputTokens: 20 });
      stack.defer(() => engine.close());
      this.#commands.set(nameOf({ kind: 'runner', index }), [
        ...['runner', '--runner-id', `runner-${index}`, '--port', new URL(url).port, ...scale],
        ...['--data-dir', path.join(folder, `runner-${index}`), '--engine-url', engine.url],
        ...['--agents', agentsFile, '--max-sandboxes', String(maxSandboxes), '--warm-sandboxes', '0'],
        ...this.routerUrls.flatMap((routerUrl) => ['--router-url', routerUrl]),
      ]);
    }
    for (const name of this.#commands.keys()) {
      const [kind, index] = name.split(' ');
      this.startAgain({ kind: kind as Daemon['kind'], index: Number(index) });
    }
    await this.untilUp();
  }
}

/** Lines that a daemon should not have to write; a store that is away is expected. */
function errorsOf({ lines }: StartedProcess): string[] {
  return lines.filter(
    (line) => /^[^{]|"level":"error"|"msg":"shutdown/.test(line) && !line.includes('store unavailable'),
  );
}

/** Empty when it has ended. */
function readCommand(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
