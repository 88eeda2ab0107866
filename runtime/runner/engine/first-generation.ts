import { setTimeout as delay } from 'node:timers/promises';
import { callJson } from '../../shared/call-json.ts';
import { describeError } from '../../shared/errors.ts';

/** What is known about an engine that has not generated yet. Times in ms on one clock. */
export interface StartupProgress {
  /** The later of its launch and its last new log output. */
  readonly lastProgressAt: number;
  readonly silenceLimitMs: number;
}

/**
 * Whether a starting engine should be given more time. Loading weights takes seconds or half an hour, so the limit is
 * on silence in its log, not on the whole start (SGLang logs a progress line at least every few seconds while it works).
 */
export function startupVerdict({ lastProgressAt, silenceLimitMs }: StartupProgress, now: number): 'wait' | 'give-up' {
  return now - lastProgressAt < silenceLimitMs ? 'wait' : 'give-up';
}

/** The engine logged nothing for too long before its first generation. */
export class StartupSilenceError extends Error {
  constructor(silenceLimitMs: number, lastAnswer: string) {
    super(`No new log output for ${silenceLimitMs / 1_000} s before the first generation; last attempt: ${lastAnswer}`);
    this.name = 'StartupSilenceError';
  }
}

export interface FirstGenerationOptions {
  readonly url: string;
  readonly signal: AbortSignal;
  /** Any number that changes whenever the engine logs, e.g. the size of its log file. */
  readonly readProgress: () => number;
  readonly silenceLimitMs: number;
}

const firstPollMs = 25;
const slowestPollMs = 1_000;

/**
 * Resolves once the engine generated a token, which no health route proves: SGLang's may say 200 with a dead scheduler.
 * @throws StartupSilenceError; the signal's reason.
 */
export async function waitForFirstGeneration(options: FirstGenerationOptions): Promise<void> {
  const { signal, silenceLimitMs } = options;
  let progress = options.readProgress();
  let lastProgressAt = performance.now();
  for (let pollMs = firstPollMs; ; pollMs = Math.min(pollMs * 1.5, slowestPollMs)) {
    const failure = await generateOneToken(options.url, silenceLimitMs, signal);
    if (failure === undefined) return;
    signal.throwIfAborted();
    if (options.readProgress() !== progress) {
      progress = options.readProgress();
      lastProgressAt = performance.now();
    }
    if (startupVerdict({ lastProgressAt, silenceLimitMs }, performance.now()) === 'give-up') {
      throw new StartupSilenceError(silenceLimitMs, failure);
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
