/** What one level of the ramp showed. */
export interface LevelSample {
  /** Sessions that existed, each with a turn in the window. */
  readonly sessions: number;
  /** Turns and creations that failed. */
  readonly failures: number;
  /** From the message to the first event, 95th percentile; null when no turn came so far. */
  readonly firstEventP95Ms: number | null;
  /** Share of all cores that was busy, 0 to 1. */
  readonly cpuShare: number;
  /** What the system could still give. */
  readonly availableBytes: number;
}

export interface CapacityLimits {
  /** MiB that each sandbox may come to use; null where there is no limit. */
  readonly memoryMb: number | null;
  /** What the system could give before the first sandbox. */
  readonly availableBytesBefore: number;
  /** What must stay free, for the engine and everything else. */
  readonly reservedBytes: number;
  readonly maxFirstEventMs: number;
  /** 0 to 1 */
  readonly maxCpuShare: number;
}

export type Bottleneck = 'memory' | 'memory if all use their limit' | 'CPU' | 'latency' | 'failures';

/** What gave way at this level, the cause before its consequences; undefined when the machine carried it. */
export function whatGaveWay(sample: LevelSample, limits: CapacityLimits): Bottleneck | undefined {
  if (sample.availableBytes < limits.reservedBytes) return 'memory';
  if (sample.cpuShare > limits.maxCpuShare) return 'CPU';
  if (sample.failures > 0) return 'failures';
  if (sample.firstEventP95Ms === null || sample.firstEventP95Ms > limits.maxFirstEventMs) return 'latency';
  return undefined;
}

/** Sessions that fit even when every sandbox uses all that it may; unbounded without a limit. */
export function sessionsThatMemoryHolds(limits: CapacityLimits): number {
  if (limits.memoryMb === null) return Number.POSITIVE_INFINITY;
  const bytes = limits.availableBytesBefore - limits.reservedBytes;
  return Math.max(0, Math.floor(bytes / (limits.memoryMb * 1024 * 1024)));
}

/** The next level of the ramp: 4, then two fifths more each time, at most `max`; undefined at the end. */
export function nextLevel(sessions: number, max: number): number | undefined {
  if (sessions >= max) return undefined;
  return Math.min(max, Math.max(4, Math.ceil(sessions * 1.4)));
}
