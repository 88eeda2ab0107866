import { onInterrupts } from '../up/interrupts.ts';
import { reportUserErrors, UserError } from '../user-error.ts';
import type { LevelResult } from './level.ts';
import { OwnRunner } from './own-runner.ts';
import { type RampResult, ramp } from './ramp.ts';
import { type CapacityReport, describeMachine, reportLines } from './report.ts';
import type { RunnerAddress } from './sandbox-client.ts';

/** What the command is told. */
export interface CapacityFlags {
  readonly runnerUrl?: string;
  /** MiB, null for no limit. */
  readonly memory: readonly (number | null)[];
  readonly maxSessions: number;
  readonly maxSeconds: number;
  readonly turnSeconds: number;
  readonly latencyMs: number;
  readonly cpuPercent: number;
  readonly reservePercent: number;
  readonly internalSecret?: string;
  readonly json?: boolean;
}

/** Exit status of a command that Ctrl-C ended, as shells have it. */
const interruptedStatus = 130;

/** `fleet capacity`: progress on stderr, the table on stdout. */
export function runCapacity(flags: CapacityFlags): Promise<void> {
  return reportUserErrors('capacity', async () => {
    if (flags.runnerUrl !== undefined && flags.memory.length > 1) {
      throw new UserError('a running runner has one memory limit: name it with --memory, or leave --runner-url out.');
    }
    const interrupt = new AbortController();
    onInterrupts({ onFirst: () => interrupt.abort(), onSecond: () => process.exit(interruptedStatus) });
    const rows: RampResult[] = [];
    try {
      for (const memoryMb of flags.memory) rows.push(await measure(flags, memoryMb, interrupt.signal));
    } catch (error) {
      if (!interrupt.signal.aborted) throw error;
      process.exitCode = interruptedStatus;
    }
    const report: CapacityReport = {
      date: new Date().toISOString(),
      machine: describeMachine(),
      node: process.versions.node,
      turnSeconds: flags.turnSeconds,
      maxFirstEventMs: flags.latencyMs,
      rows,
    };
    for (const line of flags.json ? [JSON.stringify(report, undefined, 2)] : reportLines(report)) console.log(line);
  });
}

async function measure(flags: CapacityFlags, memoryMb: number | null, signal: AbortSignal): Promise<RampResult> {
  console.error(`memory limit ${memoryMb === null ? 'none' : `${memoryMb} MB`}`);
  await using stack = new AsyncDisposableStack();
  const runner: RunnerAddress =
    flags.runnerUrl === undefined
      ? stack.use(await OwnRunner.start(memoryMb, flags.maxSessions, signal)).address
      : { url: flags.runnerUrl, secret: flags.internalSecret, process: undefined };
  return await ramp({
    runner,
    memoryMb,
    maxSessions: flags.maxSessions,
    maxMs: flags.maxSeconds * 1_000,
    turnMs: flags.turnSeconds * 1_000,
    maxFirstEventMs: flags.latencyMs,
    maxCpuShare: flags.cpuPercent / 100,
    reservedShare: flags.reservePercent / 100,
    signal,
    onLevel: logLevel,
  });
}

function logLevel({ sessions, firstEventP95Ms, cpuShare, availableBytes, failures, failure }: LevelResult): void {
  const figures = [
    `${sessions} sessions`,
    `first event p95 ${firstEventP95Ms?.toFixed(1) ?? '-'} ms`,
    `CPU ${(100 * cpuShare).toFixed(0)} %`,
    `${Math.round(availableBytes / 1024 / 1024)} MiB available`,
    ...(failures > 0 ? [`${failures} failures: ${failure}`] : []),
  ];
  console.error(`  ${figures.join('  ·  ')}`);
}
