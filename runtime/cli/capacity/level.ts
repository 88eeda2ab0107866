import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../../shared/errors.ts';
import { availableBytes, startCpuMeter } from './machine-usage.ts';
import { createSandbox, type RunnerAddress, runTurn } from './sandbox-client.ts';
import type { LevelSample } from './verdict.ts';

export interface LevelOptions {
  readonly runner: RunnerAddress;
  /** Sessions so far; the level's new ones are added. */
  readonly sessions: string[];
  readonly target: number;
  /** Each session sends one message in this time, evenly spread. */
  readonly turnMs: number;
  readonly signal: AbortSignal;
}

/** Enough starts at once to keep the cores busy, few enough to leave the sessions their turn. */
const startsAtOnce = 2;
/** A turn that takes longer has failed. */
const turnDeadlineMs = 30_000;

export interface LevelResult extends LevelSample {
  /** The first failure in words. */
  readonly failure: string | null;
}

/** Brings the sessions to their number, lets each of them say something, and measures meanwhile. */
export async function measureLevel(options: LevelOptions): Promise<LevelResult> {
  const failures: unknown[] = [];
  await addSessions(options, failures);
  const cpuShare = startCpuMeter(options.runner.process);
  const waits: number[] = [];
  const turns = options.sessions.map(async (sessionId, index) => {
    const { runner, signal, turnMs } = options;
    try {
      await delay((index / options.sessions.length) * turnMs, undefined, { signal });
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(turnDeadlineMs)]);
      waits.push(await runTurn(runner, sessionId, `${sessionId}-${options.target}`, deadline));
    } catch (error) {
      failures.push(error);
    }
  });
  const window = delay(options.turnMs, undefined, { signal: options.signal });
  await Promise.all([...turns, window]);
  return {
    sessions: options.sessions.length,
    failures: failures.length,
    failure: failures.length === 0 ? null : describeError(failures[0]),
    firstEventP95Ms: percentile95(waits),
    cpuShare: cpuShare(),
    availableBytes: availableBytes(),
  };
}

async function addSessions({ runner, sessions, target, signal }: LevelOptions, failures: unknown[]): Promise<void> {
  let missing = target - sessions.length;
  const add = async () => {
    while (missing > 0 && failures.length === 0 && !signal.aborted) {
      missing--;
      const sessionId = `capacity-${process.pid}-${target}-${missing}`;
      // Listed before it is asked for: one whose answer is lost must be ended as well.
      sessions.push(sessionId);
      try {
        await createSandbox(runner, sessionId);
      } catch (error) {
        sessions.splice(sessions.indexOf(sessionId), 1);
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: startsAtOnce }, add));
}

function percentile95(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * 0.95) - 1)] ?? null;
}
