import { type LevelResult, measureLevel } from './level.ts';
import { availableBytes, startMemoryMeter } from './machine-usage.ts';
import { destroySandbox, freePlaces, type RunnerAddress } from './sandbox-client.ts';
import { type Bottleneck, type CapacityLimits, nextLevel, sessionsThatMemoryHolds, whatGaveWay } from './verdict.ts';

export interface RampOptions {
  readonly runner: RunnerAddress;
  readonly memoryMb: number | null;
  readonly maxSessions: number;
  readonly maxMs: number;
  readonly turnMs: number;
  readonly maxFirstEventMs: number;
  readonly maxCpuShare: number;
  /** Share of the memory that is there at the start, 0 to 1. */
  readonly reservedShare: number;
  readonly signal: AbortSignal;
  readonly onLevel: (level: LevelResult) => void;
}

/** One row of the table. */
export interface RampResult {
  readonly memoryMb: number | null;
  /** The most sessions that the machine carried. */
  readonly sessions: number;
  /** The next number that was tried, which it did not carry; null when nothing gave way. */
  readonly gaveWayAt: number | null;
  /** What kept it from more; null when a bound of the measurement did. */
  readonly bottleneck: Bottleneck | null;
  /** Which bound ended it when nothing gave way; `places` are the runner's own. */
  readonly bound: 'sessions' | 'time' | 'places' | null;
  /** Memory that a session took, its sandbox and its share of the runner, MiB. */
  readonly mbPerSession: number | null;
  /** Of the last level that was carried. */
  readonly firstEventP95Ms: number | null;
  readonly cpuShare: number | null;
  /** What a level that was not carried said. */
  readonly failure: string | null;
}

/** Adds sessions until something gives way or a bound is reached, and ends them all. */
export async function ramp(options: RampOptions): Promise<RampResult> {
  const before = availableBytes();
  const takenBytes = startMemoryMeter(options.runner.process);
  const limits: CapacityLimits = {
    memoryMb: options.memoryMb,
    availableBytesBefore: before,
    reservedBytes: before * options.reservedShare,
    maxFirstEventMs: options.maxFirstEventMs,
    maxCpuShare: options.maxCpuShare,
  };
  const held = sessionsThatMemoryHolds(limits);
  const places = await freePlaces(options.runner);
  const max = Math.min(options.maxSessions, held, places);
  const deadline = performance.now() + options.maxMs;
  const sessions: string[] = [];
  let last: (LevelResult & { readonly takenBytes: number }) | undefined;
  const result = (bottleneck: Bottleneck | null, bound: RampResult['bound'], failed?: LevelResult): RampResult => ({
    memoryMb: options.memoryMb,
    sessions: last?.sessions ?? 0,
    gaveWayAt: failed?.sessions ?? null,
    bottleneck,
    bound,
    mbPerSession: last ? Math.max(0, last.takenBytes) / 1024 / 1024 / last.sessions : null,
    firstEventP95Ms: last?.firstEventP95Ms ?? null,
    cpuShare: last?.cpuShare ?? null,
    failure: failed?.failure ?? null,
  });
  try {
    for (let target = nextLevel(0, max); target !== undefined; target = nextLevel(target, max)) {
      const level = await measureLevel({ ...options, sessions, target });
      options.signal.throwIfAborted();
      options.onLevel(level);
      const bottleneck = whatGaveWay(level, limits);
      if (bottleneck) return result(bottleneck, null, level);
      last = { ...level, takenBytes: takenBytes() };
      if (performance.now() >= deadline) return result(null, 'time');
    }
    if (held === max) return result('memory if all use their limit', null);
    return result(null, options.maxSessions === max ? 'sessions' : 'places');
  } finally {
    await Promise.allSettled(sessions.map((sessionId) => destroySandbox(options.runner, sessionId)));
  }
}
