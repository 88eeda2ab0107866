import { findFreePort } from '../../shared/process/free-port.ts';
import { reportUserErrors } from '../user-error.ts';
import { claimDataDir } from './claim-data-dir.ts';
import { ConsoleOutput } from './console-output.ts';
import { onInterrupts } from './interrupts.ts';
import { LocalFleet } from './local-fleet.ts';
import { resolveUpOptions, type UpFlags, type UpOptions } from './options.ts';
import { preflight } from './preflight.ts';
import { shownPath } from './shown-path.ts';
import { summaryLines } from './summary.ts';

/** 128 + SIGINT, as shells report it. */
const interruptedExitCode = 130;

/** `fleet up`: starts a local fleet and serves until Ctrl-C. */
export function runUp(flags: UpFlags, engineArguments: readonly string[]): Promise<void> {
  return reportUserErrors('up', async () => {
    const output = new ConsoleOutput();
    const options = resolveUpOptions(flags, engineArguments);
    output.line(headline(options));
    using lock = await claimDataDir(options.dataDir, output);
    await preflight(options);
    const port = options.port === 0 ? await findFreePort(options.host) : options.port;
    const fleet = new LocalFleet({ ...options, port }, lock, output, process.env);
    // Whatever way this process exits, nothing that it started stays.
    process.on('exit', () => fleet.kill());

    const interrupt = new AbortController();
    onInterrupts({
      onFirst: () => interrupt.abort(),
      onSecond: () => {
        fleet.kill();
        lock.release();
        output.step('ended at once');
        process.exit(interruptedExitCode);
      },
    });
    try {
      fleet.start();
      const serving = await fleet.untilServing(interrupt.signal);
      for (const line of summaryLines({ ...options, port }, serving.workers, serving.model)) output.line(line);
      await aborted(interrupt.signal);
    } catch (error) {
      if (!interrupt.signal.aborted) throw error;
    } finally {
      output.line();
      output.step(`stopping; requests in flight get up to ${options.drainSeconds} s, Ctrl-C again ends them at once`);
      await fleet.stop();
    }
  });
}

function headline({ engines, dataDir }: UpOptions): string {
  const workers = engines.kind === 'external' ? engines.urls.length : engines.workers;
  const count = `${workers} ${workers === 1 ? 'worker' : 'workers'}`;
  const what = {
    simulator: `a router and ${count} with simulated engines`,
    sglang: `a router and ${count} with SGLang`,
    external: `a router for ${workers} running ${workers === 1 ? 'engine' : 'engines'}`,
  }[engines.kind];
  return `Starting ${what}; state and logs are in ${shownPath(dataDir)}`;
}

/** Resolves when the signal aborts. Meanwhile the child processes keep this one running. */
function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
