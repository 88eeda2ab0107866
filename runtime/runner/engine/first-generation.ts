import { setTimeout as delay } from 'node:timers/promises';
import { callJson } from '../../shared/call-json.ts';
import { describeError } from '../../shared/errors.ts';

/** What is known about an engine that has not generated yet. Times in ms on one clock. */
export interface StartupProgress {
  readonly launchedAt: number;
  /** The later of its launch and its last new log output. */
  readonly lastProgressAt: number;
  readonly silenceLimitMs: number;
  /** Longest start whatever the log says; undefined sets no limit. */
  readonly maxMs: number | undefined;
}

export type StartupLimit = 'silence' | 'maximum';

/**
 * Whether a starting engine should be given more time. Loading weights takes seconds or half an hour, so the limit is
 * on silence in its log (SGLang logs a progress line at least every few seconds while it works); a maximum is optional.
 */
export function startupVerdict(progress: StartupProgress, now: number): 'wait' | StartupLimit {
  const { launchedAt, lastProgressAt, silenceLimitMs, maxMs } = progress;
  if (maxMs !== undefined && now - launchedAt >= maxMs) return 'maximum';
  return now - lastProgressAt < silenceLimitMs ? 'wait' : 'silence';
}

/** The engine logged nothing for too long, or took too long, before its first generation. */
export class StartupLimitError extends Error {
  readonly limit: StartupLimit;

  constructor(limit: StartupLimit, limitMs: number, lastAnswer: string) {
    const what =
      limit === 'silence'
        ? `No new log output for ${limitMs / 1_000} s before the first generation`
        : `No generation within ${limitMs / 1_000} s of the launch`;
    super(`${what}; last attempt: ${lastAnswer}`);
    this.name = 'StartupLimitError';
    this.limit = limit;
  }
}

export interface FirstGenerationOptions {
  readonly url: string;
  readonly signal: AbortSignal;
  /** Any number that changes whenever the engine logs, e.g. the size of its log file. */
  readonly readProgress: () => number;
  readonly silenceLimitMs: number;
  /** Longest wait in ms. @default - no limit */
  readonly maxMs?: number | undefined;
}

const firstPollMs = 25;
const slowestPollMs = 1_000;

/**
 * Resolves once the engine generated a token, which no health route proves: SGLang's may say 200 with a dead scheduler.
 * @throws StartupLimitError; the signal's reason.
 */
export async function waitForFirstGeneration(options: FirstGenerationOptions): Promise<void> {
  const { signal, silenceLimitMs, maxMs } = options;
  const launchedAt = performance.now();
  let progress = options.readProgress();
  let lastProgressAt = launchedAt;
  for (let pollMs = firstPollMs; ; pollMs = Math.min(pollMs * 1.5, slowestPollMs)) {
    // A request that hangs must not outlast the maximum.
    const remainingMs = maxMs === undefined ? silenceLimitMs : launchedAt + maxMs - performance.now();
    const timeoutMs = Math.max(1, Math.min(silenceLimitMs, remainingMs));
    const failure = await generateOneToken(options.url, timeoutMs, signal);
    if (failure === undefined) return;
    signal.throwIfAborted();
    if (options.readProgress() !== progress) {
      progress = options.readProgress();
      lastProgressAt = performance.now();
    }
    const verdict = startupVerdict({ launchedAt, lastProgressAt, silenceLimitMs, maxMs }, performance.now());
    if (verdict !== 'wait') {
      throw new StartupLimitError(verdict, verdict === 'silence' ? silenceLimitMs : maxMs!, failure);
    }
    await delay(pollMs, undefined, { signal });
  }
}

/** Asks for one token. Resolves with undefined when one came, else with the reason. */
export async function generateOneToken(
  url: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const body = { text: 'Ready?', sampling_params: { max_new_tokens: 1, temperature: 0 } };
  try {
    const answer = await callJson(`${url}/generate`, { body, signal, timeoutMs });
    return hasToken(answer) ? undefined : 'the answer held no generated token';
  } catch (error) {
    return describeError(error);
  }
}

/** An aborted generation is a 200 as well; only its finish reason tells. */
function hasToken(answer: unknown): boolean {
  const meta = (answer as { meta_info?: { completion_tokens?: unknown; finish_reason?: { type?: unknown } } })
    ?.meta_info;
  return (
    typeof meta?.completion_tokens === 'number' && meta.completion_tokens > 0 && meta.finish_reason?.type !== 'abort'
  );
}
