import type { CrashClass } from '../../shared/engine-log/life-event.ts';
import { parseLifeLine } from '../../shared/engine-log/parse-life-line.ts';
import type { ProcessEnd } from '../../shared/process/owned-process.ts';
import type { FailureCause } from './engine-failure.ts';
import { failureCause, isGeneric, strongestCause } from './failure-causes.ts';
import type { StartupLimit } from './first-generation.ts';

/** All that is known about a launch that ended without being told to. */
export interface EndedLaunch {
  readonly end: ProcessEnd;
  readonly lastWords: LastWords;
  /** It generated before it ended. */
  readonly wasReady: boolean;
  /** The limit for which the runner ended it. */
  readonly limit: StartupLimit | undefined;
  /** Whether the kernel killed any process for memory while it ran; undefined when that cannot be known. */
  readonly kernelKilled: boolean | undefined;
}

/** What the last lines of a launch's log say. */
export interface LastWords {
  /** What they report as fatal. */
  readonly crashes: ReadonlySet<CrashClass>;
  /** The engine was told to end. */
  readonly hasDrained: boolean;
}

/** Log to look at for the cause of an end: a traceback of many ranks is long, and an old error in it would mislead. */
export const lastWordsBytes = 256 * 1_024;

export function readLastWords(lines: readonly string[]): LastWords {
  const events = lines.map(parseLifeLine).filter((event) => event !== undefined);
  return {
    crashes: new Set(events.flatMap((event) => (event.kind === 'crash' && event.isFatal ? [event.crashClass] : []))),
    hasDrained: events.some((event) => event.kind === 'drain'),
  };
}

/**
 * Why a launch ended. The log comes first, since exit codes say little: SGLang kills itself in every crash, and also
 * after a drain. What only circumstances suggest is marked as a suspicion.
 */
export function explainEnd({ end, lastWords, wasReady, limit, kernelKilled }: EndedLaunch): FailureCause {
  const named = strongestCause(lastWords.crashes, wasReady);
  if (named !== undefined && !isGeneric(named)) return failureCause(named, false);
  if (limit !== undefined) return failureCause(limit === 'silence' ? 'startup-silence' : 'startup-maximum', false);
  if (named !== undefined) return failureCause(named, false);
  if (end.code === null && end.signal === null) return failureCause('not-startable', false);
  if (lastWords.hasDrained || end.signal === 'SIGTERM') return failureCause('stopped', false);
  if (end.signal === 'SIGKILL' || end.code === 137) {
    return kernelKilled === false ? failureCause('killed', true) : failureCause('host-out-of-memory', true);
  }
  if (end.signal !== null && nativeSignals.has(end.signal)) return failureCause('native-crash', false);
  // The status of Python's argparse for a usage error.
  if (end.code === 2 && !wasReady) return failureCause('bad-arguments', true);
  return failureCause('unknown', true);
}

const nativeSignals: ReadonlySet<NodeJS.Signals> = new Set(['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE']);
