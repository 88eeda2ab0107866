import { costOf, UsageMeter } from '../../../runtime/shared/cloudwatch/usage-meter.ts';

const hourMs = 3_600_000;
const startMs = Math.floor(Date.UTC(2026, 10, 27, 5));
const datum = (name: string, atMs: number, group = 'a') => ({
  MetricName: name,
  Dimensions: [{ Name: 'Group', Value: group }],
  Timestamp: new Date(atMs),
  Values: [1],
});

test('a metric counts once in each hour in which it has data, whichever way it came', () => {
  const meter = new UsageMeter();
  meter.addCall({ Namespace: 'N', MetricData: [datum('A', startMs), datum('A', startMs), datum('B', startMs)] });
  meter.addCall({ Namespace: 'N', MetricData: [datum('A', startMs + 1), datum('A', startMs, 'b')] });
  const line = JSON.stringify({
    Group: 'a',
    A: 1,
    C: 1,
    _aws: {
      Timestamp: startMs + 10,
      CloudWatchMetrics: [{ Namespace: 'N', Dimensions: [['Group']], Metrics: [{ Name: 'A' }, { Name: 'C' }] }],
    },
  });
  meter.addLogLine(line);
  meter.addCall({ Namespace: 'N', MetricData: [datum('A', startMs + hourMs)] });
  expect(meter.usage).toEqual({ calls: 3, logLines: 1, logBytes: line.length + 26, metricHours: 5 });
  expect(meter.metrics).toBe(4);
});

test('a month of calls every 10 s, of 100 MB of log and of ten metrics', () => {
  const cost = costOf({ calls: 259_200, logLines: 43_200, logBytes: 100e6, metricHours: 10 * 720 });
  expect(cost.calls).toBeCloseTo(2.592);
  expect(cost.logs).toBeCloseTo(0.05);
  expect(cost.metrics).toBeCloseTo(3);
});
