import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { findFreePort } from '../../runtime/shared/process/free-port.ts';
import { findPostgres, type PostgresBinaries } from './postgres-binaries.ts';
import { StartedProcess } from './process.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const host = '127.0.0.1';
/** A test's database may be lost with its machine. */
const settings = [
  ...['fsync=off', 'full_page_writes=off', 'synchronous_commit=off', 'shared_buffers=16MB', 'max_connections=200'],
  ...[`listen_addresses=${host}`, 'unix_socket_directories=', 'log_min_messages=log', 'autovacuum=off'],
];

/** A real Postgres as a child process on a free port, with its data in a folder of its own. Disposal ends and removes it. */
export class StartedPostgres implements AsyncDisposable {
  readonly port: number;
  readonly #binaries: PostgresBinaries;
  readonly #data: string;
  #cleanUp: AsyncDisposableStack | undefined;
  #server: StartedProcess | undefined;
  #databases = 0;

  static async start(): Promise<StartedPostgres> {
    await using stack = new AsyncDisposableStack();
    const scratch = stack.use(await temporaryDirectory()).path;
    chmodSync(scratch, 0o755);
    const binaries = findPostgres(scratch);
    const data = path.join(scratch, 'data');
    mkdirSync(data, { mode: 0o700 });
    const { uid, gid } = binaries.user;
    if (uid !== undefined) chownSync(data, uid, gid!);
    initialise(binaries, data);
    const started = new StartedPostgres(binaries, data, await findFreePort(host));
    // Ended before its folder is removed, also when it does not come up.
    stack.defer(() => started.stop());
    await started.startAgain();
    started.#cleanUp = stack.move();
    return started;
  }

  private constructor(binaries: PostgresBinaries, data: string, port: number) {
    this.#binaries = binaries;
    this.#data = data;
    this.port = port;
  }

  /** The URL of a new, empty database. */
  async createDatabase(): Promise<string> {
    const name = `fleet_${++this.#databases}`;
    const client = new pg.Client(this.#url('postgres'));
    await client.connect();
    await client.query(`create database ${name}`);
    await client.end();
    return this.#url(name);
  }

  /** Starts the server that was stopped, on the same port; resolves once it takes connections. */
  async startAgain(): Promise<void> {
    const { bin, env, user } = this.#binaries;
    const options = settings.flatMap((setting) => ['-c', setting]);
    const child = spawn(path.join(bin, 'postgres'), ['-D', this.#data, '-p', String(this.port), ...options], {
      ...user,
      // The server's user may not be allowed into the folder of the tests.
      cwd: '/',
      env: { ...process.env, LC_ALL: 'C', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#server = new StartedProcess(child);
    await this.#server.waitForLine(/ready to accept connections/);
  }

  /** Ends the server and with it every connection; what was committed stays. */
  async stop(): Promise<void> {
    // "Fast" shutdown: it does not wait for clients.
    this.#server?.signal('SIGINT');
    await this.#server?.waitForExit();
    this.#server = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanUp?.[Symbol.asyncDispose]();
  }

  #url(database: string): string {
    return `postgres://fleet@${host}:${this.port}/${database}`;
  }
}

function initialise({ bin, env, user }: PostgresBinaries, data: string): void {
  const options = ['-U', 'fleet', '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-sync', '--no-instructions'];
  const { status, stderr, error } = spawnSync(path.join(bin, 'initdb'), ['-D', data, ...options], {
    ...user,
    cwd: '/',
    env: { ...process.env, LC_ALL: 'C', ...env },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`initdb failed: ${stderr ?? ''}`, { cause: error });
}
