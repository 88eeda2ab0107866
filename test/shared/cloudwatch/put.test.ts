import { FakeCloudWatch } from '../../support/fake-cloudwatch.ts';
import { until } from '../../support/poll.ts';
import { report, testCredentials, testSink, utilization } from '../../support/test-metric-sink.ts';

let credentials: Disposable;
beforeEach(() => {
  credentials = testCredentials();
});
afterEach(() => credentials[Symbol.dispose]());

const tokens = (value: number) => ({ name: 'GenerationTokens', unit: 'Count', values: [value] }) as const;

test('reports of one interval travel in one call, each metric with its unit, time and resolution', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  const { sink, clock, now } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  const startMs = now();
  sink.send(report(startMs + 9_900, [utilization(0.5), tokens(1_200)]));
  sink.send(report(startMs + 9_900, [{ name: 'Retractions', unit: 'Count', values: [2] }]));
  clock.advance(100);
  await until('a call came', () => cloudWatch.calls.length === 1);
  await sink.close();
  expect(cloudWatch.attempts).toBe(1);
  const [call] = cloudWatch.calls;
  expect(call).toMatchObject({ namespace: 'SGLang/Fleet', region: 'us-east-1', contentEncoding: undefined });
  const dimensions = [{ Name: 'AutoScalingGroupName', Value: 'dev-workers-chat' }];
  const by = { Dimensions: dimensions, Counts: [1] };
  expect([...call!.data].sort((a, b) => (a.MetricName < b.MetricName ? -1 : 1))).toEqual([
    {
      ...by,
      MetricName: 'GenerationTokens',
      Unit: 'Count',
      StorageResolution: 60,
      Timestamp: startMs / 1_000,
      Values: [1_200],
    },
    { ...by, MetricName: 'Retractions', Unit: 'Count', StorageResolution: 60, Timestamp: startMs / 1_000, Values: [2] },
    {
      ...by,
      MetricName: 'Utilization',
      Unit: 'None',
      StorageResolution: 1,
      Timestamp: startMs / 1_000 + 9,
      Values: [0.5],
    },
  ]);
});

test('calls keep the interval however often reports come', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  const { sink, advance, now } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  for (let second = 0; second < 30; second++) {
    sink.send(report(now(), [tokens(1)]));
    await advance(1_000);
  }
  expect(cloudWatch.attempts).toBe(3);
  await sink.close();
  expect(cloudWatch.attempts).toBe(4);
  expect(cloudWatch.sumOf('GenerationTokens')).toBe(30);
});

test('what the same metric says twice in a minute becomes one datum with counts', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  const { sink, now } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  const latency = (values: number[], counts?: number[]) =>
    ({ name: 'TimeToFirstToken', unit: 'Seconds', values, counts }) as const;
  sink.send(report(now() + 5_000, [latency([0.1, 0.2], [3, 1])]));
  sink.send(report(now() + 6_000, [latency([0.2, 0.4])]));
  await sink.close();
  expect(cloudWatch.datums('TimeToFirstToken')).toMatchObject([{ Values: [0.1, 0.2, 0.4], Counts: [3, 2, 1] }]);
});

test('thousands of values fit the limits of CloudWatch, in a compressed body', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  const { sink, now } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  const values = Array.from({ length: 5_000 }, (_, index) => 0.02 * 1.0015 ** index);
  const latency = (name: string) => ({ name, unit: 'Seconds', values }) as const;
  sink.send(report(now(), [latency('EndToEndLatency'), latency('TimeToFirstToken'), latency('InterTokenLatency')]));
  await sink.close();
  const datums = cloudWatch.datums('EndToEndLatency');
  expect(datums.length).toBeGreaterThan(1);
  expect(datums.flatMap(({ Counts }) => Counts!).reduce((sum, count) => sum + count, 0)).toBe(5_000);
  expect(cloudWatch.calls).toHaveLength(1);
  expect(cloudWatch.calls[0]!.contentEncoding).toBe('gzip');
  expect(cloudWatch.calls[0]!.wireBytes).toBeLessThan(cloudWatch.calls[0]!.jsonBytes / 2);
});

test('more than a thousand metrics are split over calls', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  const { sink, now } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  const metrics = Array.from({ length: 2_300 }, (_, index) => ({ ...tokens(1), name: `Metric${index}` }));
  sink.send(report(now(), metrics));
  await sink.close();
  expect(cloudWatch.calls.map(({ data }) => data.length)).toEqual([1_000, 1_000, 300]);
});

test('a body stays below 1 MB', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  const { sink, now } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  const values = Array.from({ length: 150 }, (_, index) => Math.PI * 1.5 ** index);
  const metrics = Array.from(
    { length: 900 },
    (_, index) => ({ name: `Metric${index}`, unit: 'None', values }) as const,
  );
  sink.send(report(now(), metrics));
  await sink.close();
  expect(cloudWatch.calls.length).toBeGreaterThan(1);
  expect(cloudWatch.attempts).toBe(cloudWatch.calls.length);
  expect(Math.max(...cloudWatch.calls.map(({ jsonBytes }) => jsonBytes))).toBeLessThanOrEqual(1_000_000);
  expect(cloudWatch.calls.flatMap(({ data }) => data)).toHaveLength(900);
});

test('what CloudWatch could never take is dropped by name before a call, the rest is sent', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  const { sink, logged, now } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  for (let round = 0; round < 3; round++) {
    sink.send(
      report(now(), [
        { name: 'NotANumber', unit: 'None', values: [Number.NaN] },
        { name: 'Endless', unit: 'None', values: [1, Number.POSITIVE_INFINITY] },
        { name: 'Empty', unit: 'None', values: [] },
        { name: 'Lopsided', unit: 'None', values: [1, 2], counts: [1] },
        { name: 'Negative', unit: 'None', values: [1], counts: [-1] },
        { name: 'Ünicode', unit: 'None', values: [1] },
        tokens(7),
      ]),
    );
  }
  sink.send(report(Number.NaN, [tokens(1)]));
  sink.send(report(now() + 3 * 3_600_000, [tokens(1)]));
  sink.send(report(now(), [{ ...tokens(1), name: 'Unplaced' }], { dimensions: { Group: '' } }));
  sink.send(null as never);
  await sink.close();
  expect(cloudWatch.sumOf('GenerationTokens')).toBe(21);
  const refused = logged.filter(({ msg }) => msg === 'metric refused and dropped').map(({ metric }) => metric);
  expect(refused).toEqual([
    ...['NotANumber', 'Endless', 'Empty', 'Lopsided', 'Negative', 'Ünicode'],
    ...['GenerationTokens', 'GenerationTokens', 'Unplaced'],
  ]);
});

test('a namespace and the order of dimensions are as given', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  const { sink, now } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint, namespace: 'Other' });
  sink.send(report(now(), [tokens(1)], { dimensions: { A: '1', B: '2' } }));
  sink.send(report(now(), [tokens(2)], { dimensions: { B: '2', A: '1' } }));
  await sink.close();
  expect(cloudWatch.calls).toMatchObject([{ namespace: 'Other', data: [{ Values: [1, 2] }] }]);
});

test('nothing is sent after the end, and ending twice is ending once', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  const { sink, clock, now } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  await Promise.all([sink.close(), sink.close()]);
  sink.send(report(now(), [tokens(1)]));
  expect(clock.pending).toBe(0);
  expect(cloudWatch.attempts).toBe(0);
});
