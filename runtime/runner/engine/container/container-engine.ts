import { spawn, spawnSync } from 'node:child_process';
import type { ProcessEnd, RunningProcess } from '../../../shared/process/owned-process.ts';
import type { ProcessIdentity } from '../../../shared/process/process-table.ts';
import type { ContainerOptions } from '../../options.ts';
import type { EngineProcess } from '../engine-process.ts';

/** For a container engine that does not answer; its calls take a second at most when it does. */
const callLimitMs = 10_000;
/** The exit of the runner waits for this one. */
const killLimitMs = 5_000;
/** The client ends by itself when its container has. */
const clientGraceMs = 2_000;

/**
 * An engine inside a container. The `docker run` that belongs to this process is only its client: the container lives
 * on when the client is killed, so it is ended by name as well.
 */
export class ContainerEngine implements EngineProcess {
  readonly #client: RunningProcess;
  readonly #container: ContainerOptions;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(container: ContainerOptions, client: RunningProcess, environment: NodeJS.ProcessEnv) {
    this.#container = container;
    this.#environment = environment;
    this.#client = client;
  }

  get identity(): ProcessIdentity | undefined {
    return this.#client.identity;
  }

  get ended(): Promise<ProcessEnd> {
    return this.#client.ended;
  }

  /** Nothing to take down: a container is gone only when all its processes are, their GPU memory with them. */
  look(): void {}

  async stop(graceMs: number): Promise<void> {
    const { name } = this.#container;
    const seconds = Math.ceil(graceMs / 1_000);
    await callContainerEngine(this.#container, ['stop', '-t', String(seconds), name], this.#environment, graceMs);
    await this.#client.stop(clientGraceMs);
    await removeContainer(this.#container, this.#environment);
  }

  async clear(): Promise<null> {
    await removeContainer(this.#container, this.#environment);
    await this.#client.stop(clientGraceMs);
    return null;
  }

  kill(): void {
    const { program, name } = this.#container;
    spawnSync(program, ['rm', '--force', name], { env: this.#environment, stdio: 'ignore', timeout: killLimitMs });
    this.#client.kill();
  }
}

/** Ends and removes the container of this name, if there is one: it would hold the GPU's memory, the port and the name. */
export async function removeContainer(container: ContainerOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  await callContainerEngine(container, ['rm', '--force', container.name], environment, 0);
}

/**
 * Runs one command of the container engine. Its answer does not matter: there may be nothing to stop or remove, and a
 * container engine that is broken says so when it is asked to run the engine.
 * @param extraMs time that the command itself is asked to wait
 */
function callContainerEngine(
  { program }: ContainerOptions,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  extraMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: 'ignore' });
    const limit = setTimeout(() => {
      child.kill('SIGKILL');
      resolve();
    }, extraMs + callLimitMs);
    const settle = () => {
      clearTimeout(limit);
      resolve();
    };
    child.once('error', settle);
    child.once('exit', settle);
  });
}
