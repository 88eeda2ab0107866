import { type CloudWatchFault, FakeCloudWatch, internalFault, throttling } from '../../support/fake-cloudwatch.ts';
import { until } from '../../support/poll.ts';
import { advanceUntil, report, testCredentials, testSink, utilization } from '../../support/test-metric-sink.ts';

let credentials: Disposable;
beforeEach(() => {
  credentials = testCredentials();
});
afterEach(() => credentials[Symbol.dispose]());

const tokens = (value: number) => ({ name: 'GenerationTokens', unit: 'Count', values: [value] }) as const;
const expired: CloudWatchFault = { status: 400, code: 'ExpiredTokenException', message: 'The token has expired.' };
const denied: CloudWatchFault = { status: 403, code: 'AccessDenied', message: 'not authorized to perform' };

describe.each([
  ['refuses connections', undefined],
  ['cuts connections', 'reset'],
  ['throttles', throttling],
  ['has a fault', internalFault],
  ['finds the credentials expired', expired],
  ['denies access', denied],
] as const)('while CloudWatch %s', (_, outcome) => {
  test('metrics are kept, calls become rare, and afterwards everything arrives once', async () => {
    await using cloudWatch = await FakeCloudWatch.start();
    const bed = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
    if (outcome) cloudWatch.always = outcome;
    else await cloudWatch.stop();
    for (let interval = 0; interval < 30; interval++) {
      bed.sink.send(report(bed.now(), [utilization(0.5), tokens(10)]));
      await bed.advance(10_000);
    }
    expect(cloudWatch.calls).toEqual([]);
    // Five minutes: 1, 2, 4, ... 32 s and then once a minute, not thirty times.
    if (outcome) expect(cloudWatch.attempts).toBeLessThan(12);
    cloudWatch.always = undefined;
    if (!outcome) await cloudWatch.listen();
    await advanceUntil(bed, () => cloudWatch.sumOf('GenerationTokens') === 300);
    expect(cloudWatch.sumOf('Utilization')).toBe(15);
    expect(cloudWatch.datums('Utilization')).toHaveLength(30);
    await bed.sink.close();
    expect(cloudWatch.sumOf('GenerationTokens')).toBe(300);
    expect(bed.logged.map(({ level, msg }) => `${level} ${msg}`)).toEqual([
      'warn CloudWatch takes no metrics, they are kept',
      'info CloudWatch takes metrics again',
    ]);
    expect(bed.logged[1]).toMatchObject({ droppedPoints: { full: 0, old: 0 } });
  });
});

test('the newest metrics go first after an outage', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.outcomes.push(internalFault);
  const bed = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  for (let age = 1_500; age > 0; age--) bed.sink.send(report(bed.now() - age * 1_000, [utilization(age)]));
  await advanceUntil(bed, () => cloudWatch.calls.length === 2);
  const [first, second] = cloudWatch.calls.map(({ data }) => data.map(({ Timestamp }) => Timestamp));
  expect(first).toHaveLength(1_000);
  expect(Math.min(...first!)).toBeGreaterThan(Math.max(...second!));
  await bed.sink.close();
});

test('a call that hangs is given up and repeated', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.outcomes.push('hang');
  const bed = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  bed.sink.send(report(bed.now(), [tokens(3)]));
  bed.clock.advance(100);
  await until('the call arrived', () => cloudWatch.attempts === 1);
  bed.clock.advance(10_000);
  await advanceUntil(bed, () => cloudWatch.calls.length === 1);
  expect(cloudWatch.sumOf('GenerationTokens')).toBe(3);
  expect(bed.logged[0]).toMatchObject({ code: 'TimeoutError', reason: 'CloudWatch does not answer.' });
  await bed.sink.close();
});

test('the buffer keeps its bound: the oldest metrics go, their number is said once', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.always = internalFault;
  // Room for 100 points of one value.
  const options = { publish: 'put', endpoint: cloudWatch.endpoint, bufferBytes: 100 * 440 } as const;
  const bed = testSink(options);
  for (let interval = 0; interval < 150; interval++) {
    bed.sink.send(report(bed.now(), [utilization(interval), { ...utilization(interval), name: 'Second' }]));
    await bed.advance(10_000);
  }
  cloudWatch.always = undefined;
  await advanceUntil(bed, () => cloudWatch.datums('Utilization').length > 0);
  const kept = cloudWatch.datums('Utilization').map(({ Values }) => Values[0]!);
  expect(kept.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => 100 + index));
  await bed.sink.close();
  expect(bed.logged.map(({ msg }) => msg)).toEqual([
    'CloudWatch takes no metrics, they are kept',
    'no room for more metrics, the oldest are dropped',
    'CloudWatch takes metrics again',
  ]);
  expect(bed.logged[2]).toMatchObject({ droppedPoints: { full: 200, old: 0 } });
});

test('what CloudWatch would refuse for its age is dropped and counted', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  const bed = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  const [hour, day] = [3_600_000, 24 * 3_600_000];
  bed.sink.send(report(bed.now() - 15 * day, [tokens(1)]));
  bed.sink.send(report(bed.now() - 13 * day, [tokens(10)]));
  bed.sink.send(report(bed.now() - 4 * hour, [utilization(0.1), tokens(100)]));
  bed.sink.send(report(bed.now() - 2 * hour, [utilization(0.2)]));
  await bed.sink.close();
  expect(cloudWatch.sumOf('GenerationTokens')).toBe(110);
  expect(cloudWatch.sumOf('Utilization')).toBe(0.2);
  expect(bed.logged).toMatchObject([
    { level: 'warn', msg: 'metrics were dropped', droppedPoints: { full: 0, old: 2 } },
  ]);
});

test('a metric that CloudWatch refuses is found and dropped with the reason, everything else arrives', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.poison.add('Metric33').add('Metric70');
  const bed = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  const metrics = Array.from({ length: 100 }, (_, index) => ({ ...tokens(1), name: `Metric${index}` }));
  bed.sink.send(report(bed.now(), metrics));
  await bed.sink.close();
  expect(cloudWatch.calls.flatMap(({ data }) => data)).toHaveLength(98);
  expect(cloudWatch.attempts).toBeLessThanOrEqual(32);
  expect(bed.logged.map(({ metric, reason, code }) => ({ metric, reason, code }))).toEqual(
    ['Metric70', 'Metric33'].map((metric) => ({
      metric,
      reason: `The value for parameter ${metric} is invalid.`,
      code: expect.stringMatching(/^InvalidParameterValue(Exception)?$/),
    })),
  );
});

test('an outage in the middle of such a search loses nothing', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.outcomes.push({ status: 400, code: 'InvalidParameterValue', message: 'one of them' }, internalFault);
  const bed = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  const names = ['A', 'B', 'C', 'D'];
  bed.sink.send(
    report(
      bed.now(),
      names.map((name) => ({ ...tokens(1), name })),
    ),
  );
  await advanceUntil(bed, () => cloudWatch.calls.length > 0);
  await bed.sink.close();
  expect(cloudWatch.calls.flatMap(({ data }) => data.map(({ MetricName }) => MetricName)).sort()).toEqual(names);
});

test('a call of which everything is refused costs a bounded number of calls', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.always = { status: 400, code: 'InvalidParameterValue', message: 'no' };
  const bed = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  bed.sink.send(
    report(
      bed.now(),
      Array.from({ length: 900 }, (_, index) => ({ ...tokens(1), name: `Metric${index}` })),
    ),
  );
  await bed.sink.close();
  expect(cloudWatch.attempts).toBeLessThanOrEqual(50);
});

test('closing sends what is kept, even in the middle of a back-off', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.outcomes.push(internalFault);
  const bed = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  bed.sink.send(report(bed.now(), [tokens(5)]));
  await bed.advance(200);
  expect(cloudWatch.attempts).toBe(1);
  await bed.sink.close();
  expect(cloudWatch.sumOf('GenerationTokens')).toBe(5);
  expect(bed.clock.pending).toBe(0);
});

test('closing ends at its deadline when CloudWatch hangs, and says what is lost', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.always = 'hang';
  const bed = testSink({
    publish: 'put',
    endpoint: cloudWatch.endpoint,
    closeDeadlineMs: 3_000,
  });
  bed.sink.send(report(bed.now(), [tokens(5), utilization(1)]));
  const closed = bed.sink.close();
  await until('the last call arrived', () => cloudWatch.attempts === 1);
  bed.clock.advance(2_999);
  expect(bed.logged).toEqual([]);
  bed.clock.advance(1);
  await closed;
  expect(bed.logged.at(-1)).toMatchObject({ msg: 'metrics lost at shutdown', droppedPoints: 2 });
  expect(bed.clock.pending).toBe(0);
});

test('closing ends at its deadline when CloudWatch fails again and again', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.always = throttling;
  const bed = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  bed.sink.send(report(bed.now(), [tokens(5)]));
  let isClosed = false;
  const closed = bed.sink.close().then(() => {
    isClosed = true;
  });
  await advanceUntil(bed, () => isClosed);
  await closed;
  expect(cloudWatch.attempts).toBeGreaterThan(1);
  expect(bed.logged.at(-1)).toMatchObject({ msg: 'metrics lost at shutdown', droppedPoints: 1 });
});

test('no credential reaches the log, whatever CloudWatch says about a bad signature', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = process.env;
  cloudWatch.always = {
    status: 403,
    code: 'SignatureDoesNotMatch',
    message: `The signature of ${key} does not match.\n\nThe Canonical String should have been\n'POST\nx-amz-security-token:${token}'`,
  };
  const bed = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  bed.sink.send(report(bed.now(), [tokens(5)]));
  await advanceUntil(bed, () => bed.logged.length > 0);
  const log = JSON.stringify(bed.logged);
  expect(bed.logged[0]).toMatchObject({
    code: 'SignatureDoesNotMatch',
    status: 403,
    reason: 'The signature of [key] does not match.',
  });
  for (const credential of [key!, secret!, token!]) expect(log).not.toContain(credential);
  cloudWatch.always = undefined;
  await bed.sink.close();
});
