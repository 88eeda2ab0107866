import { readEmf } from '../../support/emf-reader.ts';
import { report, testSink, utilization } from '../../support/test-metric-sink.ts';

const latency = { name: 'TimeToFirstToken', unit: 'Seconds', values: [0.1, 0.25], counts: [4, 1] } as const;

test('a dry run prints what would be sent, what that costs, and what a month would', async () => {
  const { sink, now, lines, advance } = testSink({ publish: 'print', endpoint: 'http://127.0.0.1:1' });
  const startMs = now();
  for (let interval = 0; interval < 60; interval++) {
    sink.send(report(now(), [utilization(0.5), latency], { properties: { instanceId: 'i-1' } }));
    await advance(10_000);
  }
  await sink.close();
  expect(lines[0]).toMatch(/^PutMetricData to SGLang\/Fleet: 1 metric, \d+ bytes, \$0\.00001000$/);
  expect(lines[1]).toBe(
    `  Utilization {AutoScalingGroupName=dev-workers-chat} ${new Date(startMs).toISOString()} None, 1 s: 0.5`,
  );
  const logLine = lines.findIndex((line) => line.startsWith('Log line: '));
  expect(lines[logLine]).toMatch(/^Log line: \d+ bytes, \$0\.000000\d+$/);
  expect(readEmf(lines[logLine + 1]!.trim())).toMatchObject([{ name: 'TimeToFirstToken' }]);
  // 60 calls in 10 minutes are 259,200 in 30 days, a thousand of which cost a cent.
  expect(lines.at(-1)).toMatch(
    /^A month at this pace \(us-east-1, June 2026\): 259,200 calls \$2\.59, \d+ MB of log \$0\.0\d+; 2 metrics \$0\.60, paid once/,
  );
});

test('a value that was seen more than once is printed with its count', async () => {
  const { sink, now, lines } = testSink({ publish: 'print' });
  sink.send(report(now(), [{ ...latency, drivesScaling: true }]));
  await sink.close();
  expect(lines[1]).toMatch(/Seconds, 1 s: 0\.1 x4, 0\.25$/);
});
