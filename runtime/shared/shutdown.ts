import { describeError } from './errors.ts';
import type { Logger } from './log.ts';

export interface ShutdownOptions {
  readonly log: Logger;
  /** Drains and closes everything. The process exits when it settles. */
  readonly close: (reason: string) => Promise<void>;
  /** Past this the process exits with status 1 whatever is left. */
  readonly deadlineMs: number;
}

/**
 * Ties a daemon's end to its signals: the first SIGTERM or SIGINT starts `close` under a deadline, a second one exits
 * at once with status 1. An error nobody handled also closes, and exits 1: state is unknown, so a supervisor restarts.
 */
export function closeOnSignals({ log, close, deadlineMs }: ShutdownOptions): void {
  let closing = false;
  const begin = (reason: string, exitCode: number) => {
    if (closing) {
      log.warn('second signal, exiting at once', { reason });
      process.exit(1);
    }
    closing = true;
    // The timer comes before `close`, which may block the event loop.
    setTimeout(() => {
      log.error('shutdown deadline passed', { deadlineMs });
      process.exit(1);
    }, deadlineMs).unref();
    log.info('shutdown started', { reason });
    close(reason).then(
      () => {
        log.info('shutdown finished');
        process.exit(exitCode);
      },
      (error: unknown) => {
        log.error('shutdown failed', { error });
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => begin('SIGTERM', 0));
  process.on('SIGINT', () => begin('SIGINT', 0));
  process.on('uncaughtException', (error) => {
    log.error('uncaught error', { error, detail: describeError(error), stack: error.stack });
    if (!closing) begin('uncaught error', 1);
  });
  process.on('unhandledRejection', (error) => {
    log.error('unhandled rejection', { error, stack: error instanceof Error ? error.stack : undefined });
    if (!closing) begin('unhandled rejection', 1);
  });
}
