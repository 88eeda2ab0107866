import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { EmfWriter } from './emf-writer.ts';
import { type MetricPoint, pointsOf } from './metric-point.ts';
import type { MetricReport, MetricSink } from './metric-report.ts';
import type { PutSender } from './put-sender.ts';
import { RefusalLog } from './refusal-log.ts';

export interface RoutedSinkOptions {
  /** At least one of the two ways. */
  readonly put: PutSender | undefined;
  readonly emf: EmfWriter | undefined;
  readonly closeDeadlineMs: number;
  readonly clock: Clock;
  readonly now: () => number;
  readonly log: Logger;
}

/** Sends each metric its way: where there are both, what drives scaling by call and the rest by log. */
export class RoutedSink implements MetricSink {
  readonly #options: RoutedSinkOptions;
  readonly #refusals: RefusalLog;
  #closed: Promise<void> | undefined;

  constructor(options: RoutedSinkOptions) {
    this.#options = options;
    this.#refusals = new RefusalLog(options.log);
  }

  send(report: MetricReport): void {
    if (this.#closed) return;
    const { put, emf, now, log } = this.#options;
    try {
      const { points, refused } = pointsOf(report, now());
      for (const { name, reason } of refused) this.#refusals.add(name, reason);
      const isByCall = (point: MetricPoint) => put && (!emf || point.resolutionSeconds === 1);
      const byCall = points.filter(isByCall);
      const byLog = points.filter((point) => !isByCall(point));
      put?.add(byCall);
      emf?.add(byLog, { dimensions: report.dimensions, properties: { ...meansOf(byCall), ...report.properties } });
    } catch (error) {
      // Metrics must not take down what they measure.
      log.error('metric report not taken', { error });
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** The log first, which takes no time; neither may keep the daemon beyond the deadline. */
  async #close(): Promise<void> {
    const { put, emf, clock, closeDeadlineMs } = this.#options;
    const deadline = Promise.withResolvers<void>();
    const timer = clock.schedule(closeDeadlineMs, deadline.resolve);
    try {
      await Promise.all([Promise.race([emf?.close(), deadline.promise]), put?.close()]);
    } finally {
      timer.cancel();
    }
  }
}

/** What goes by call, as properties of the log line, so that the log tells which machine it came from. */
function meansOf(points: readonly MetricPoint[]): Record<string, number> {
  return Object.fromEntries(
    points.map(({ name, counts }) => {
      const weights = [...counts].reduce((sum, [, count]) => sum + count, 0);
      const mean = [...counts].reduce((sum, [value, count]) => sum + value * (count / weights), 0);
      return [name, Number(mean.toPrecision(6))];
    }),
  );
}
