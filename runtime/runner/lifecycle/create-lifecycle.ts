import type { SandboxPool } from '../../sandboxes/pool.ts';
import type { Logger } from '../../shared/log.ts';
import type { RunLock } from '../../shared/process/run-lock.ts';
import type { Engine } from '../engine/engine.ts';
import type { RunnerOptions } from '../options.ts';
import type { Runner } from '../runner.ts';
import { Lifecycle } from './lifecycle.ts';
import { LifecycleFile } from './lifecycle-file.ts';
import type { Machine } from './machine.ts';
import { runPrepareCommand } from './prepare-command.ts';

export interface LifecycleSetup {
  readonly options: RunnerOptions;
  /** Undefined off AWS. */
  readonly machine: Machine | undefined;
  readonly runner: Runner;
  readonly engine: Engine;
  readonly pool: SandboxPool;
  readonly lock: RunLock;
  readonly log: Logger;
}

/** The life cycle that the options ask for, not yet started. */
export function createLifecycle(setup: LifecycleSetup): Lifecycle {
  const { options, machine, runner, engine, pool, lock, log } = setup;
  const { dataDir, logDir, drainMs, timeScale } = options;
  const { hooks, prepareCommand: command } = options.machine;
  return new Lifecycle({
    ...{ runner, engine, machine, hooks, drainMs, timeScale, log },
    file: new LifecycleFile(dataDir, log),
    prepareCommand:
      command === undefined
        ? undefined
        : (signal) => runPrepareCommand({ command, model: options.engine.model, logDir, lock, signal }),
    oldestTurnMs: () => pool.oldestTurnMs,
    // As if systemd had asked for it, which then starts the next process.
    onRestartWanted: () => {
      log.info('ending, for a new process to serve');
      process.kill(process.pid, 'SIGTERM');
    },
  });
}
