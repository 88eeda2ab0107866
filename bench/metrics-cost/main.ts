/**
 * `node bench/metrics-cost/main.ts [--hours N]`: what the metrics of a busy worker cost a month, by way of publishing,
 * with the arithmetic. Fails when the default costs more than the target.
 */
import { parseArgs } from 'node:util';
import type { MetricSinkOptions } from '../../runtime/shared/cloudwatch/create-sink.ts';
import { freeTier, monthHours, prices } from '../../runtime/shared/cloudwatch/prices.ts';
import { costOf } from '../../runtime/shared/cloudwatch/usage-meter.ts';
import { type LatencySource, requestsPerSecond } from './busy-worker.ts';
import { type Measured, measure } from './measure.ts';

/** Per worker and month, in US dollars. */
const target = 3;
const groupSizes = [1, 2, 5, 10, 20, 50];

interface Way {
  readonly name: string;
  readonly options: Partial<MetricSinkOptions>;
  readonly intervalSeconds: number;
  /** @default metrics-finished, which the fleet's engines have */
  readonly latencySource?: LatencySource;
}
const ways: readonly Way[] = [
  { name: 'mixed (default)', options: {}, intervalSeconds: 10 },
  { name: 'mixed, a log line a report', options: { emfLine: 'report' }, intervalSeconds: 10 },
  { name: 'put', options: { publish: 'put' }, intervalSeconds: 10 },
  { name: 'emf', options: { publish: 'emf' }, intervalSeconds: 10 },
  { name: 'mixed every 30 s', options: {}, intervalSeconds: 30 },
  { name: 'mixed, latencies one by one', options: {}, intervalSeconds: 10, latencySource: 'request-log' },
];

const { values } = parseArgs({ options: { hours: { type: 'string', default: '1' } } });
const hours = Number(values.hours);
if (!(hours > 0 && hours <= 24)) {
  console.error(`--hours ${values.hours}: a number up to 24 is needed.`);
  process.exit(2);
}

console.log(
  `A worker that serves ${requestsPerSecond} requests/s, ${hours} h on a clock that takes no time, through the AWS SDK.`,
);
console.log(`List prices of ${prices.region}, ${prices.asOf}, without free tier; months of 30 days; GB of 10^9 bytes.`);
for (const way of ways) {
  const measured = await measure(way.options, way.latencySource ?? 'metrics-finished', hours, way.intervalSeconds);
  const perWorker = printWay(way.name, measured);
  if (way === ways[0] && perWorker > target) process.exitCode = 1;
}
console.log(`
Not included, since it does not depend on how metrics travel: the two high-resolution alarms of target tracking (a
group), what alarms and dashboards read (GetMetricData), the CloudWatch agent's own metrics of memory, disk and GPU, and
the logs of engine and daemons. A start of the engine adds an hour of a metric for each of its phases.`);

/** @returns what a worker adds, in US dollars a month */
function printWay(name: string, { usage, metrics, bytesPerCall }: Measured): number {
  const scale = monthHours / hours;
  const month = {
    calls: usage.calls * scale,
    logLines: usage.logLines * scale,
    logBytes: usage.logBytes * scale,
    metricHours: metrics * monthHours,
  };
  const cost = costOf(month);
  const perWorker = cost.calls + cost.logs;
  const [megabytes, lineBytes] = [month.logBytes / 1e6, usage.logBytes / Math.max(1, usage.logLines)];
  console.log(`\n${name}`);
  row(
    `calls     ${integer(usage.calls)} in ${hours} h x ${integer(scale)} = ${integer(month.calls)} of ${integer(bytesPerCall)} bytes, x $0.01/1,000`,
    cost.calls,
  );
  row(
    `log       ${integer(usage.logLines)} lines x ${integer(scale)} x ${integer(lineBytes)} bytes = ${megabytes.toFixed(0)} MB, x $${prices.logGigabyte.toFixed(2)}/GB`,
    cost.logs,
  );
  row(`a worker adds`, perWorker);
  row(`metrics   ${metrics} x $${prices.metricMonth.toFixed(2)}, once for a group of any size`, cost.metrics);
  const shares = groupSizes.map((size) => `${size}: $${(perWorker + cost.metrics / size).toFixed(2)}`);
  console.log(`  all of it, by worker, in a group of ${shares.join(', ')}`);
  const afterFreeTier = groupSizes.map((size) => {
    const paid = costOf({
      calls: Math.max(0, month.calls * size - freeTier.calls),
      logLines: 0,
      logBytes: Math.max(0, month.logBytes * size - freeTier.logGigabytes * 1e9),
      metricHours: Math.max(0, metrics - freeTier.metrics) * monthHours,
    });
    return `${size}: $${((paid.calls + paid.logs + paid.metrics) / size).toFixed(2)}`;
  });
  console.log(`  the same where nothing else uses the account's free tier: ${afterFreeTier.join(', ')}`);
  const enough = perWorker < target ? Math.ceil(cost.metrics / (target - perWorker)) : Number.POSITIVE_INFINITY;
  console.log(`  at most $${target} all included from ${enough} workers on`);
  return perWorker;
}

function row(text: string, dollars: number): void {
  console.log(`  ${text.padEnd(84)} $${dollars.toFixed(2).padStart(5)}`);
}

function integer(value: number): string {
  return Math.round(value).toLocaleString('en');
}
