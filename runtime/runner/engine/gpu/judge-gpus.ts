import type { GpuFacts, GpuFailure, GpuStatus } from './gpu-status.ts';
import { csvRows, type SmiAnswer } from './nvidia-smi.ts';

export const gpuQuery = [
  '--query-gpu=index,name,memory.total,driver_version,ecc.errors.uncorrected.volatile.total',
  '--format=csv,noheader,nounits',
];

/**
 * What `nvidia-smi` prints for a GPU that only a reset, a reboot or another machine brings back: as a whole answer
 * ("Unable to determine the device handle for GPU 0000:3B:00.0: GPU is lost.  Reboot the system to recover this GPU") or
 * in place of a value (`[GPU requires reset]`, `[Unknown Error]`, `ERR!`). `[N/A]` is no failure.
 */
const fatalText = /requires reset|is lost|fallen off the bus|Unable to determine the device handle|Unknown Error|ERR!/i;

/** What is remembered between readings. */
export interface GpuHistory {
  /** Most GPUs that one reading named, 0 before the first good one. */
  readonly gpuCount: number;
  /** Readings in a row that were not good. */
  readonly badReadings: number;
}

export const noHistory: GpuHistory = { gpuCount: 0, badReadings: 0 };

/** One bad reading may be a driver that still loads, so a second one has to confirm it. */
const badReadingsNeeded = 2;

export interface GpuJudgement {
  /** Null on a machine without `nvidia-smi`. */
  readonly status: GpuStatus | null;
  readonly history: GpuHistory;
}

/** What a reading means, given those before it. @param at time of the reading, ISO 8601 */
export function judgeGpus(answer: SmiAnswer, history: GpuHistory, at: string): GpuJudgement {
  if (answer.kind === 'absent') return { status: null, history };
  const { gpus, driverVersion } = answer.kind === 'text' ? parseGpus(answer.text) : { gpus: [], driverVersion: null };
  const problem = problemOf(answer, gpus.length, history.gpuCount);
  if (problem === undefined) {
    return {
      status: { driverVersion, gpus, failure: null, at },
      history: { gpuCount: Math.max(history.gpuCount, gpus.length), badReadings: 0 },
    };
  }
  const badReadings = history.badReadings + 1;
  const failure: GpuFailure | null =
    badReadings < badReadingsNeeded ? null : { reason: problem.reason, isFatal: problem.isFatal, at };
  return { status: { driverVersion, gpus, failure, at }, history: { ...history, badReadings } };
}

/**
 * A machine whose GPUs answered once and do not any more has lost them. One where `nvidia-smi` never worked may simply have
 * none (an image with the driver's tools on a CPU instance), unless it says that a GPU is broken.
 */
function problemOf(
  answer: Exclude<SmiAnswer, { kind: 'absent' }>,
  count: number,
  countBefore: number,
): { reason: string; isFatal: boolean } | undefined {
  if (answer.kind === 'failed') {
    return { reason: answer.reason, isFatal: countBefore > 0 || fatalText.test(answer.reason) };
  }
  const broken = answer.text.split('\n').find((line) => fatalText.test(line));
  if (broken !== undefined) return { reason: `nvidia-smi: ${broken.trim().slice(0, 300)}`, isFatal: true };
  if (count < countBefore) return { reason: `nvidia-smi lists ${count} of ${countBefore} GPUs`, isFatal: true };
  return count === 0 ? { reason: 'nvidia-smi lists no GPU', isFatal: false } : undefined;
}

export function parseGpus(text: string): Pick<GpuStatus, 'gpus' | 'driverVersion'> {
  const rows = csvRows(text).filter(([index]) => /^\d+$/.test(index!));
  const gpus: GpuFacts[] = rows.map(([index, name, memory, , ecc]) => ({
    index: Number(index),
    name: name ?? '',
    memoryMiB: toCount(memory),
    uncorrectedEccErrors: toCount(ecc),
  }));
  return { gpus, driverVersion: rows[0]?.[3] ?? null };
}

function toCount(field: string | undefined): number | null {
  return field !== undefined && /^\d+$/.test(field) ? Number(field) : null;
}
