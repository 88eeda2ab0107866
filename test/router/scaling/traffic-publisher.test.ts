import fc from 'fast-check';
import { Traffic } from '../../../runtime/router/scaling/traffic.ts';
import { nextEndMs, TrafficPublisher } from '../../../runtime/router/scaling/traffic-publisher.ts';
import type { MetricReport } from '../../../runtime/shared/cloudwatch/metric-report.ts';
import { until } from '../../support/poll.ts';

/** A sink that keeps what it is given. */
function keptReports() {
  const reports: MetricReport[] = [];
  let isClosed = false;
  return {
    reports,
    isClosed: () => isClosed,
    sink: {
      send: (report: MetricReport) => void reports.push(report),
      close: async () => {
        isClosed = true;
      },
    },
  };
}

const sumOf = (reports: readonly MetricReport[], name: string) =>
  reports
    .flatMap(({ metrics }) => metrics.filter((metric) => metric.name === name))
    .reduce((sum, { values }) => sum + values[0]!, 0);

test('intervals end at multiples of their length, half a length away or more', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 45 }), (nowMs) => {
      const endMs = nextEndMs(nowMs, 10_000);
      expect(endMs % 10_000).toBe(0);
      expect(endMs - nowMs).toBeGreaterThanOrEqual(5_000);
      expect(endMs - nowMs).toBeLessThanOrEqual(15_000);
    }),
  );
});

test('a timer that fires early does not make two reports of one interval', () => {
  expect(nextEndMs(59_998, 10_000)).toBe(70_000);
});

test('each count is reported exactly once, the last by close, which closes the sink', async () => {
  const kept = keptReports();
  const traffic = new Traffic();
  let peak = 2;
  const publisher = new TrafficPublisher({
    ...{ traffic, sink: kept.sink, groupName: 'workers', routerId: 'r-1', intervalMs: 20 },
    takeHeldPeak: () => peak,
  });
  traffic.ended('QUEUE_FULL');
  await until('three reports were sent', () => kept.reports.length >= 3);
  const times = kept.reports.map(({ atMs }) => atMs);
  for (const atMs of times) expect(atMs % 20).toBe(10);
  expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
  traffic.ended('HOLD_FULL');
  peak = 5;
  const now = Date.now();
  await publisher.close();
  expect(kept.isClosed()).toBe(true);
  expect(sumOf(kept.reports, 'RejectedRequests')).toBe(2);
  const last = kept.reports.at(-1)!;
  expect(last.metrics[0]).toMatchObject({ name: 'HeldRequests', values: [5] });
  // No data point may lie ahead of the clock by the rest of an interval.
  expect(last.atMs).toBeLessThanOrEqual(Math.max(now, Date.now()));
});
