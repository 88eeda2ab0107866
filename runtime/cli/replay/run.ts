import type { RouterOptions } from '../router-options.ts';
import { reportUserErrors, UserError } from '../user-error.ts';
import { ProgressDisplay } from './progress.ts';
import { replayTrace } from './replay.ts';
import { renderReport } from './report.ts';
import type { ReplayApi } from './request-body.ts';
import { loadTrace, TraceError } from './trace.ts';

export interface ReplayCommandOptions extends RouterOptions {
  readonly rateScale: number;
  readonly timeScale: number;
  readonly limit?: number;
  readonly maxOutputTokens?: number;
  readonly model?: string;
  readonly api: ReplayApi;
  readonly seed: number;
  readonly timeout: number;
  readonly json?: boolean;
}

/** Exit status of a command that Ctrl-C ended, as shells have it. */
const interruptedStatus = 130;

/** `fleet replay`: the report on stdout, progress on stderr; exit status 1 when a request failed. */
export function runReplay(tracePath: string, options: ReplayCommandOptions): Promise<void> {
  return reportUserErrors('replay', async () => {
    const { limit, timeout: timeoutSeconds, json, ...rest } = options;
    const requests = await loadTrace(tracePath, limit).catch((error: unknown) => {
      throw error instanceof TraceError ? new UserError(error.message, { cause: error }) : error;
    });
    const interrupt = new AbortController();
    // Once: a second Ctrl-C ends the process at once.
    process.once('SIGINT', () => interrupt.abort());
    const display = new ProgressDisplay(process.stderr);
    const report = await replayTrace({
      ...rest,
      requests,
      timeoutSeconds,
      signal: interrupt.signal,
      onProgress: (progress) => display.update(progress),
    }).finally(() => display.end());
    console.log(json ? JSON.stringify(report) : renderReport(report));
    if (interrupt.signal.aborted) process.exitCode = interruptedStatus;
    else if (report.requests.failed > 0) process.exitCode = 1;
  });
}
