import type { MetricDatum, PutMetricDataInput } from '@aws-sdk/client-cloudwatch';
import type { LineOutput } from './emf-writer.ts';
import { monthHours, prices } from './prices.ts';
import type { PutCall } from './put-call.ts';
import { bytesOf } from './put-request.ts';
import { costOf, UsageMeter } from './usage-meter.ts';

export interface DryRunOptions {
  /** Receives lines without their newline. */
  readonly write: (line: string) => void;
  /** ms since the epoch. */
  readonly now: () => number;
}

const summaryEveryMs = 60_000;

/** Stands in for CloudWatch and for the log file: prints what they would get and what they would charge. */
export class DryRun implements PutCall, LineOutput {
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  readonly #meter = new UsageMeter();
  readonly #startedMs: number;
  #summaryMs: number;
  /** Closed once as the way of calls and once as that of log lines. */
  #openWays = 2;

  constructor({ write: output, now }: DryRunOptions) {
    this.#write = output;
    this.#now = now;
    this.#startedMs = now();
    this.#summaryMs = this.#startedMs;
  }

  async send(request: PutMetricDataInput): Promise<void> {
    const data = request.MetricData ?? [];
    this.#meter.addCall(request);
    this.#write(
      `PutMetricData to ${request.Namespace}: ${plural(data.length, 'metric')}, ${bytesOf(data)} bytes, ${dollars(prices.putCall)}`,
    );
    for (const datum of data) this.#write(`  ${describeDatum(datum)}`);
    this.#summarizeNowAndThen();
  }

  write(line: string): void {
    this.#meter.addLogLine(line);
    const bytes = Buffer.byteLength(line);
    this.#write(`Log line: ${bytes} bytes, ${dollars((bytes / 1e9) * prices.logGigabyte)}`);
    this.#write(`  ${line}`);
    this.#summarizeNowAndThen();
  }

  async close(): Promise<void> {
    this.#openWays--;
    if (this.#openWays > 0) return;
    this.#summarize();
  }

  #summarizeNowAndThen(): void {
    if (this.#now() - this.#summaryMs < summaryEveryMs) return;
    this.#summaryMs = this.#now();
    this.#summarize();
  }

  #summarize(): void {
    const { calls, logLines, logBytes } = this.#meter.usage;
    // One interval is too short to tell a pace from.
    const hours = Math.max(this.#now() - this.#startedMs, summaryEveryMs) / 3_600_000;
    const perMonth = monthHours / hours;
    const cost = costOf({
      calls: calls * perMonth,
      logLines,
      logBytes: logBytes * perMonth,
      metricHours: this.#meter.metrics * monthHours,
    });
    this.#write(
      `A month at this pace (${prices.region}, ${prices.asOf}): ${count(calls * perMonth)} calls ${dollars(cost.calls)}, ` +
        `${count((logBytes * perMonth) / 1e6)} MB of log ${dollars(cost.logs)}; ` +
        `${plural(this.#meter.metrics, 'metric')} ${dollars(cost.metrics)}, paid once however many machines send them`,
    );
  }
}

function describeDatum({
  MetricName,
  Dimensions,
  Timestamp,
  Unit,
  StorageResolution,
  Values,
  Counts,
}: MetricDatum): string {
  const values = (Values ?? []).map((value, index) => {
    const times = Counts?.[index] ?? 1;
    return times === 1 ? `${value}` : `${value} x${times}`;
  });
  const dimensions = (Dimensions ?? []).map(({ Name, Value }) => `${Name}=${Value}`);
  const resolution = `${StorageResolution} s`;
  return `${MetricName} {${dimensions.join(', ')}} ${Timestamp?.toISOString()} ${Unit}, ${resolution}: ${values.join(', ')}`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

function dollars(value: number): string {
  return `$${value.toFixed(value > 0 && value < 0.01 ? 8 : 2)}`;
}
