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
    const options = { ...given, internalSecret: await resolveSecret(given.internalSecret, loadSecret) };
    await resolveEngineSecrets(process.env, loadSecret);
    const lock = await claimDataDir(options.dataDir, log);
    process.on('exit', () => lock.release());
    const engine = createEngine(options, lock, log);
    // Last line of defence: whatever way this process exits, nothing that it started outlives it.
    process.prependListener('exit', () => engine.kill());
    const pool = await createPool(options, engine, lock, log);
    process.prependListener('exit', () => pool.kill());
    const runner = new Runner(options, engine, pool, log);
    const server = await startServer(runner, pool, options, log);
    runner.start(server.port);
    closeOnSignals({
      log,
      close: async (reason) => {
        await runner.drain(reason);
        await server.close();
      },
      deadlineMs: options.drainMs / options.timeScale + engineStopGraceMs + closeMarginMs,
    });
  } catch (error) {
    log.error('runner failed to start', { error });
    if (error instanceof CodedError) process.stderr.write(`fleet runner: ${error.message}\n`);
    process.exit(1);
  }
}
