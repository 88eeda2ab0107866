import { count, duration, percent, significant } from '../quantity.ts';
import { type Column, tableLines } from '../table.ts';
import { oneLine } from '../terminal-text.ts';
import type { Distribution } from './stats.ts';
import type { ReplayReport } from './summary.ts';

/** Client lag beyond which the figures say more about this machine than about the fleet, in wall ms. */
const noticeableLagMs = 100;

/** The report as text for a terminal. */
export function renderReport(report: ReplayReport): string {
  const { requests } = report;
  const wallSeconds = report.durationSeconds / report.timeScale;
  const remarks = [
    requests.sent < requests.planned && `stopped after ${count(requests.sent)} of ${count(requests.planned)} requests`,
    requests.interrupted > 0 && `${count(requests.interrupted)} cancelled in flight, in no figure below`,
    requests.wrongLength > 0 && `${count(requests.wrongLength)} answers have another length than asked for`,
    requests.withoutUsage > 0 && `${count(requests.withoutUsage)} answers without usage, in no token figure`,
    (report.clientLagWallMs.p99 ?? 0) > noticeableLagMs &&
      `the client was late: p99 ${significant(report.clientLagWallMs.p99)} ms; this machine is too busy for the rate`,
  ].filter((remark) => remark !== false);
  const lines = [
    `${count(requests.sent)} requests to ${report.url} (${report.api}, model ${report.model}), rate x${report.rateScale}`,
    report.timeScale === 1
      ? `Times are real: ${duration(wallSeconds)}.`
      : `All times are ENGINE time: engines run ${report.timeScale} times faster than real time, ` +
        `${duration(report.durationSeconds)} took ${duration(wallSeconds)} on the wall.`,
    ...remarks.map((remark) => `Note: ${remark}.`),
    '',
    `completed ${count(requests.completed)}   errors ${count(requests.failed)}${requests.failed > 0 ? ` (${count(requests.failedBeforeFirstToken)} before their first token)` : ''}`,
    ...report.errors.map(({ kind, count: times, example }) => `  ${count(times)} x ${kind}: ${excerpt(example)}`),
    '',
    ...timeTable(report),
    '',
    `token hit rate ${percent(report.tokenHitRate)} (${count(report.cachedTokens)} of ${count(report.promptTokens)} prompt tokens were cached)`,
    `throughput     ${count(report.promptTokensPerSecond)} prompt tokens/s, ${count(report.outputTokensPerSecond)} output tokens/s`,
    '',
    ...workerTable(report),
  ];
  return lines.join('\n');
}

function timeTable(report: ReplayReport): string[] {
  const row = (name: string, sample: Distribution) => [
    name,
    ...[sample.mean, sample.p50, sample.p90, sample.p99, sample.max].map(significant),
  ];
  return tableLines(
    [{ title: '' }, ...['mean', 'p50', 'p90', 'p99', 'max'].map((title): Column => ({ title, align: 'right' }))],
    [
      row('TTFT, s', report.ttftSeconds),
      row('end to end, s', report.endToEndSeconds),
      row('time per output token, ms', report.timePerOutputTokenMs),
      row('gap between tokens, ms', report.interTokenMs),
    ],
  );
}

function workerTable(report: ReplayReport): string[] {
  return tableLines(
    [
      { title: 'worker' },
      { title: 'requests', align: 'right' },
      { title: 'share', align: 'right' },
      { title: 'hit rate', align: 'right' },
      { title: 'TTFT p50, s', align: 'right' },
    ],
    report.workers.map((worker) => [
      oneLine(worker.worker ?? '(no x-fleet-worker header)'),
      count(worker.requests),
      percent(worker.share),
      percent(worker.tokenHitRate),
      significant(worker.ttftP50Seconds),
    ]),
  );
}

function excerpt(text: string): string {
  const line = oneLine(text);
  return line.length <= 160 ? line : `${line.slice(0, 160)}…`;
}
