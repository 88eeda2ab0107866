/** What the benchmark reports, in the order of its table. */
export interface Measure {
  readonly id: string;
  readonly title: string;
  readonly unit: 'us' | 'ms' | 's' | 'KB' | 'MB' | '%' | 'status';
  /** The value of the engine without a router is taken off, round by round. */
  readonly isAdded?: boolean;
}

export const measures: readonly Measure[] = [
  { id: 'cpu300', title: 'CPU per request, 300 B, closed loop, 64 connections', unit: 'us' },
  { id: 'cpu36k', title: 'CPU per request, 36 KB, 8 KB shared, 500/s', unit: 'us' },
  { id: 'cpu512k', title: 'CPU per request, 512 KB, 20/s', unit: 'us' },
  { id: 'cpuEvent200', title: 'CPU per SSE event, 200 streams x 50/s', unit: 'us' },
  { id: 'cpuEvent1000', title: 'CPU per SSE event, 1,000 streams x 20/s', unit: 'us' },
  { id: 'latencyP50', title: 'added latency p50, 300 B, 300/s', unit: 'ms', isAdded: true },
  { id: 'latencyP99', title: 'added latency p99, 300 B, 300/s', unit: 'ms', isAdded: true },
  { id: 'firstByte1000', title: 'added first byte p50, 1,000 streams in 1 s', unit: 'ms', isAdded: true },
  { id: 'delayedShare', title: 'streams with an event late by 35 ms or more', unit: '%' },
  { id: 'growth300', title: 'memory kept per request, 300 B', unit: 'KB' },
  { id: 'growth36k', title: 'memory kept per request, 36 KB', unit: 'KB' },
  { id: 'growth512k', title: 'memory kept per request, 512 KB', unit: 'KB' },
  { id: 'slowReader', title: 'memory for a 100 MB stream that is not read', unit: 'MB' },
  { id: 'largeBody', title: 'memory for a 300 MB body', unit: 'MB' },
  { id: 'largeBodyStatus', title: 'answer to a 300 MB body', unit: 'status' },
  { id: 'startSeconds', title: 'start to first answer, 4 workers', unit: 's' },
];

const digits: Readonly<Record<Measure['unit'], number>> = { us: 0, ms: 2, s: 2, KB: 1, MB: 1, '%': 0, status: 0 };
const divisors: Readonly<Partial<Record<Measure['unit'], number>>> = { KB: 1_024, MB: 1e6, '%': 0.01 };

/** A value in its unit without the unit's name; a dash for none. */
export function formatValue({ unit }: Measure, value: number): string {
  if (Number.isNaN(value)) return '-';
  const scaled = value / (divisors[unit] ?? 1);
  return scaled.toFixed(unit === 'us' && Math.abs(scaled) < 100 ? 1 : digits[unit]);
}
