import { type Clock, realClock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { DryRun } from './dry-run.ts';
import { EmfFile } from './emf-file.ts';
import { EmfWriter, type LineOutput } from './emf-writer.ts';
import type { MetricSink } from './metric-report.ts';
import { metricNamespace } from './namespace.ts';
import { type PutCall, sdkPutCall } from './put-call.ts';
import { PutSender } from './put-sender.ts';
import { RoutedSink } from './routed-sink.ts';

/**
 * How metrics travel:
 * - `mixed`: metrics that drive scaling by `PutMetricData`, at once; the rest in log lines (EMF)
 * - `put`: everything by `PutMetricData`, one call an interval
 * - `emf`: everything in log lines, which the CloudWatch agent ships: cheapest, and the slowest way for a scaling metric
 * - `print`: nothing travels; prints what `mixed` would send and what it would cost
 */
export const publishModes = ['mixed', 'put', 'emf', 'print'] as const;
export type PublishMode = (typeof publishModes)[number];

export interface MetricSinkOptions {
  readonly log: Logger;
  /** @default 'mixed' */
  readonly publish?: PublishMode | undefined;
  /** @default 'SGLang/Fleet', the only one that the machines of a fleet may write to */
  readonly namespace?: string | undefined;
  /** AWS region, usually that of `AWS_REGION`. @default - that of the instance, from its metadata */
  readonly region?: string | undefined;
  /** Where EMF lines are appended for the CloudWatch agent. @default - stdout */
  readonly emfFile?: string | undefined;
  /**
   * `minute`: reports of one minute share a line, a sixth of the cost, and CloudWatch stores them by the minute anyway.
   * `report`: each report is a line at once, so that a killed process has lost none of them. @default 'minute'
   */
  readonly emfLine?: 'minute' | 'report' | undefined;
  /** The EMF file is renamed to `.1` before it grows beyond this. @default 10 MiB */
  readonly emfFileBytes?: number | undefined;
  /** Shortest time between two `PutMetricData` calls in ms; reports in between share a call. @default 10000 */
  readonly intervalMs?: number | undefined;
  /** About how much memory waiting metrics may take; beyond it the oldest are dropped. @default 8 MiB */
  readonly bufferBytes?: number | undefined;
  /** How long `close` may take, in ms. @default 5000 */
  readonly closeDeadlineMs?: number | undefined;
  /** Address of CloudWatch. @default - as the AWS SDK finds it (`AWS_ENDPOINT_URL`, or the region's) */
  readonly endpoint?: string | undefined;
  /** How requests reach CloudWatch. @default - by the AWS SDK */
  readonly call?: PutCall | undefined;
  /** Receives printed and EMF lines without their newline. @default - stdout */
  readonly write?: ((line: string) => void) | undefined;
  /** Timers. @default - the machine's monotonic clock */
  readonly clock?: Clock | undefined;
  /** Wall clock, ms since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Jitter, 0 to 1. @default Math.random */
  readonly random?: (() => number) | undefined;
}

/**
 * The way to CloudWatch. Opens nothing before the first report; the AWS SDK is loaded only where a call is made.
 * Credentials come from the environment or the instance role.
 */
export function createMetricSink(options: MetricSinkOptions): MetricSink {
  const { log, publish = 'mixed', region, endpoint } = options;
  const common = {
    log,
    namespace: options.namespace ?? metricNamespace,
    bufferBytes: options.bufferBytes ?? 8 * 1_024 * 1_024,
    closeDeadlineMs: options.closeDeadlineMs ?? 5_000,
    clock: options.clock ?? realClock(),
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
  };
  const write = options.write ?? ((line: string) => void process.stdout.write(`${line}\n`));
  const dryRun = publish === 'print' ? new DryRun({ write, now: common.now }) : undefined;
  const putSender = () =>
    new PutSender({
      ...common,
      call: dryRun ?? options.call ?? sdkPutCall({ region, endpoint }),
      intervalMs: options.intervalMs ?? 10_000,
    });
  const emfWriter = () =>
    new EmfWriter({ ...common, line: options.emfLine ?? 'minute', output: dryRun ?? lineOutput(options, write) });
  return new RoutedSink({
    ...common,
    put: publish === 'emf' ? undefined : putSender(),
    emf: publish === 'put' ? undefined : emfWriter(),
  });
}

function lineOutput({ emfFile, emfFileBytes, log }: MetricSinkOptions, write: (line: string) => void): LineOutput {
  if (emfFile === undefined) return { write, close: async () => {} };
  const maxBytes = emfFileBytes ?? 10 * 1_024 * 1_024;
  return new EmfFile({ path: emfFile, maxBytes, bufferBytes: 1_024 * 1_024, log });
}
