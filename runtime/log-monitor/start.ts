import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '../shared/log.ts';
import { closeOnSignals } from '../shared/shutdown.ts';
import { Monitor } from './monitor.ts';
import { jsonLinesPublisher } from './publisher.ts';

export interface MonitorSettings {
  readonly logFile: string;
  readonly stateFile?: string;
  readonly from: 'start' | 'end';
  readonly intervalSeconds: number;
}

/** How often the end of the log is looked at. A look costs two or three system calls. */
const pollMs = 200;
const shutdownDeadlineMs = 10_000;

/**
 * Starts the monitor, which then runs until SIGTERM or SIGINT. Windows go to stdout, the daemon's own log to stderr.
 * @throws when the state file or the log cannot be used
 */
export async function startMonitor(settings: MonitorSettings): Promise<void> {
  const log = createLogger({ service: 'log-monitor', write: (line) => void process.stderr.write(`${line}\n`) });
  const stopping = new AbortController();
  process.stdout.on('error', (error) => {
    log.error('nobody reads the windows any more', { error });
    process.exit(1);
  });
  const opening = Monitor.open({
    logFile: settings.logFile,
    stateFile: settings.stateFile,
    from: settings.from,
    intervalMs: settings.intervalSeconds * 1_000,
    publisher: jsonLinesPublisher(process.stdout),
    log,
  });
  const following = opening.then((monitor) => follow(monitor, stopping.signal));
  closeOnSignals({
    log,
    deadlineMs: shutdownDeadlineMs,
    close: async () => {
      stopping.abort();
      await following;
      await (await opening).close();
    },
  });
  await opening;
}

async function follow(monitor: Monitor, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    const atEnd = await monitor.step();
    if (atEnd) await delay(pollMs, undefined, { signal: stopping }).catch(ignoreAbort);
  }
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}
