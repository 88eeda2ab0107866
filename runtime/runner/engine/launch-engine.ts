import { setTimeout as delay } from 'node:timers/promises';
import { AdoptedProcess } from '../../shared/process/adopted-process.ts';
import { findFreePort, portProblem } from '../../shared/process/free-port.ts';
import { OwnedProcess, type RunningProcess } from '../../shared/process/owned-process.ts';
import type { RunnerOptions } from '../options.ts';
import { ContainerEngine, removeContainer } from './container/container-engine.ts';
import { engineCommand } from './engine-command.ts';
import { engineEnvironment } from './engine-environment.ts';
import type { EngineProcess } from './engine-process.ts';
import type { LeftoverEngine } from './engine-record.ts';
import { HostEngine } from './host-engine.ts';

/** A port of a killed engine is free at once or after a moment; whoever else has it will not let go. */
const portLimitMs = 10_000;
const portPollMs = 100;

/**
 * Makes room for a launch: no container of the same name, and the port free, or not free and not going to be.
 * @param mayChoosePort false when somebody knows the port already
 * @returns the port to listen on
 */
export async function makeRoom(
  { engine, listenHost }: RunnerOptions,
  portBefore: number,
  mayChoosePort: boolean,
  signal: AbortSignal,
): Promise<number> {
  if (engine.kind === 'container') await removeContainer(engine.container, engineEnvironment(process.env));
  if (engine.port === 0 && mayChoosePort) return await findFreePort(listenHost);
  const deadline = performance.now() + portLimitMs;
  while (
    (await portProblem(portBefore, listenHost)) === 'EADDRINUSE' &&
    performance.now() < deadline &&
    !signal.aborted
  ) {
    await delay(portPollMs, undefined, { signal }).catch(() => undefined);
  }
  return portBefore;
}

/** Launches the engine. @param logFile gets its output @throws coded errors when the options cannot work together */
export function launchEngine(options: RunnerOptions, port: number, logFile: string): EngineProcess {
  const { engine, listenHost, timeScale } = options;
  const environment = engineEnvironment(process.env);
  const command = engineCommand(engine, { host: listenHost, port }, timeScale, environment);
  return enclose(options, new OwnedProcess(command, logFile, environment), environment);
}

/** Takes over an engine that an earlier run of the runner launched. */
export function adoptEngine(options: RunnerOptions, { identity }: LeftoverEngine): EngineProcess {
  return enclose(options, new AdoptedProcess(identity), engineEnvironment(process.env));
}

function enclose({ engine }: RunnerOptions, running: RunningProcess, environment: NodeJS.ProcessEnv): EngineProcess {
  return engine.kind === 'container'
    ? new ContainerEngine(engine.container, running, environment)
    : new HostEngine(running);
}
