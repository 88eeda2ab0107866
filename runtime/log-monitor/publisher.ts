import type { MetricSink } from '../shared/cloudwatch/metric-report.ts';
import type { LineOutput } from './line-output.ts';
import type { PublishedWindow } from './published-window.ts';
import { type WorkerIdentity, windowReports } from './window-report.ts';

/** Where windows go. The next window waits for the promise; a window whose promise rejects is given again later. */
export interface Publisher {
  publish(window: PublishedWindow): Promise<void>;
  /** Sends what is kept. */
  close(): Promise<void>;
}

/** One JSON line a window. */
export function jsonLinesPublisher(output: LineOutput): Publisher {
  return { publish: (window) => output.write(JSON.stringify(window)), close: async () => {} };
}

/** The way to CloudWatch. What a sink cannot send at once it keeps in memory, which a killed process loses. */
export function sinkPublisher(sink: MetricSink, identity: WorkerIdentity): Publisher {
  return {
    async publish(window) {
      for (const report of windowReports(window, identity)) sink.send(report);
    },
    close: () => sink.close(),
  };
}
