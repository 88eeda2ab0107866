import { CodedError } from '../shared/errors.ts';
import { createLogger } from '../shared/log.ts';
import { resolveSecret } from '../shared/secret-reference.ts';
import { secretsManagerLoader } from '../shared/secrets-manager.ts';
import { closeOnSignals } from '../shared/shutdown.ts';
import { createPool } from './create-pool.ts';
import { claimDataDir } from './data-dir.ts';
import { engineStopGraceMs } from './drain-plan.ts';
import { createEngine } from './engine/create-engine.ts';
import { resolveEngineSecrets } from './engine/engine-secrets.ts';
import { createLifecycle } from './lifecycle/create-lifecycle.ts';
import { findMachine } from './lifecycle/find-machine.ts';
import { type RunnerFlags, resolveRunnerOptions } from './options.ts';
import { Runner } from './runner.ts';
import { startServer } from './server.ts';

/** Time for telling routers and closing, on top of the drain itself. */
const closeMarginMs = 15_000;

/** Runs a runner as this process: logs to stdout, drains on SIGTERM. */
export async function runRunner(flags: RunnerFlags, engineArguments: readonly string[]): Promise<void> {
  const given = resolveRunnerOptions(flags, engineArguments);
  const log = createLogger({ service: 'runner' });
  try {
    const loadSecret = secretsManagerLoader({ region: flags.region });
    const internalSecret = await resolveSecret(given.internalSecret, loadSecret);
    await resolveEngineSecrets(process.env, loadSecret);
    const { lock, leftoverEngine } = await claimDataDir(given, log);
    process.on('exit', () => lock.release());
    const machine = await findMachine(given, log);
    const options = { ...given, internalSecret, instanceId: given.instanceId ?? machine?.instanceId };
    const engine = createEngine(options, lock, log, leftoverEngine);
    // Last line of defence: whatever way this process exits, nothing that it started outlives it.
    process.prependListener('exit', () => engine.kill());
    const pool = await createPool(options, engine, lock, log);
    process.prependListener('exit', () => pool.kill());
    const runner = new Runner(options, engine, pool, log);
    const lifecycle = createLifecycle({ options, machine, runner, engine, pool, lock, log });
    const server = await startServer(lifecycle, pool, options, log);
    runner.start(server.port);
    closeOnSignals({
      log,
      close: async () => {
        await lifecycle.leave();
        await server.close();
      },
      deadlineMs: options.drainMs / options.timeScale + engineStopGraceMs + closeMarginMs,
    });
    lifecycle.start(await machine?.readTargetState());
  } catch (error) {
    log.error('runner failed to start', { error });
    if (error instanceof CodedError) process.stderr.write(`fleet runner: ${error.message}\n`);
    process.exit(1);
  }
}
