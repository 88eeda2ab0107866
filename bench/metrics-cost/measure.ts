import type { MetricSinkOptions } from '../../runtime/shared/cloudwatch/create-sink.ts';
import { type Usage, UsageMeter } from '../../runtime/shared/cloudwatch/usage-meter.ts';
import { FakeCloudWatch, type ReceivedCall } from '../../test/support/fake-cloudwatch.ts';
import { testCredentials, testSink } from '../../test/support/test-metric-sink.ts';
import { BusyWorker, type LatencySource } from './busy-worker.ts';

export interface Measured {
  readonly usage: Usage;
  /** Different metrics, all with data in every hour. */
  readonly metrics: number;
  /** Mean size of a request body. */
  readonly bytesPerCall: number;
}

/**
 * What a busy worker's metrics are charged for in `hours`: the real sink and AWS SDK against a started CloudWatch, on a
 * clock that takes no time. Log lines are counted as they would reach the file.
 */
export async function measure(
  options: Partial<MetricSinkOptions>,
  latencySource: LatencySource,
  hours: number,
  intervalSeconds: number,
): Promise<Measured> {
  using _credentials = testCredentials();
  await using cloudWatch = await FakeCloudWatch.start();
  const { sink, now, advance, lines } = testSink({
    ...options,
    endpoint: cloudWatch.endpoint,
    intervalMs: intervalSeconds * 1_000,
  });
  const worker = new BusyWorker(latencySource);
  for (let left = (hours * 3_600) / intervalSeconds; left > 0; left--) {
    await advance(intervalSeconds * 1_000);
    for (const report of worker.reports(now() - 1, intervalSeconds)) sink.send(report);
  }
  await sink.close();
  const meter = new UsageMeter();
  for (const call of cloudWatch.calls) meter.addCall(requestOf(call));
  for (const line of lines) meter.addLogLine(line);
  const wireBytes = cloudWatch.calls.reduce((sum, call) => sum + call.wireBytes, 0);
  return {
    usage: { ...meter.usage, calls: cloudWatch.attempts },
    metrics: meter.metrics,
    bytesPerCall: wireBytes / Math.max(1, cloudWatch.attempts),
  };
}

function requestOf({ namespace, data }: ReceivedCall) {
  return {
    Namespace: namespace,
    MetricData: data.map(({ MetricName, Dimensions, Timestamp }) => ({
      MetricName,
      Dimensions: [...Dimensions],
      Timestamp: new Date(Timestamp * 1_000),
    })),
  };
}
