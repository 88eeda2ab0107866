import { cpus, totalmem } from 'node:os';
import { count, percent, significant } from '../quantity.ts';
import { tableLines } from '../table.ts';
import type { RampResult } from './ramp.ts';

export interface CapacityReport {
  /** ISO 8601 */
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  readonly turnSeconds: number;
  readonly maxFirstEventMs: number;
  readonly rows: readonly RampResult[];
}

const boundInWords = {
  sessions: 'none up to --max-sessions',
  time: 'none within --max-seconds',
  places: 'all places of the runner',
} as const;

/** This machine in words: cores, their model, memory. */
export function describeMachine(): string {
  const cores = cpus();
  const gibibytes = totalmem() / 1024 ** 3;
  return `${cores.length} cores ${cores[0]?.model.trim() ?? ''}, ${gibibytes.toFixed(1)} GiB memory, ${process.platform}`;
}

export function reportLines(report: CapacityReport): string[] {
  const table = tableLines(
    [
      { title: 'MEMORY LIMIT' },
      { title: 'SESSIONS', align: 'right' },
      { title: 'GAVE WAY AT', align: 'right' },
      { title: 'BOTTLENECK' },
      { title: 'MIB EACH', align: 'right' },
      { title: 'FIRST EVENT P95, MS', align: 'right' },
      { title: 'CPU', align: 'right' },
    ],
    report.rows.map((row) => [
      row.memoryMb === null ? 'none' : `${row.memoryMb} MB`,
      `${row.bottleneck === null ? '>= ' : ''}${count(row.sessions)}`,
      count(row.gaveWayAt),
      row.bottleneck ?? boundInWords[row.bound!],
      significant(row.mbPerSession),
      significant(row.firstEventP95Ms),
      percent(row.cpuShare),
    ]),
  );
  return [
    `${report.date.slice(0, 10)}, ${report.machine}, Node ${report.node}`,
    `each session sends a message every ${report.turnSeconds} s; first events within ${report.maxFirstEventMs} ms`,
    '',
    ...table,
  ];
}
