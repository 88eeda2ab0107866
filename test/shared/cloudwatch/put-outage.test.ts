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
    const { sink, clock, now, logged } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
    if (outcome) cloudWatch.always = outcome;
    else await cloudWatch.stop();
    for (let interval = 0; interval < 30; interval++) {
      sink.send(report(now(), [utilization(0.5), tokens(10)]));
      await settle(clock, 10_000);
    }
    expect(cloudWatch.calls).toEqual([]);
    // Five minutes: 1, 2, 4, ... 32 s and then once a minute, not thirty times.
    if (outcome) expect(cloudWatch.attempts).toBeLessThan(12);
    cloudWatch.always = undefined;
    if (!outcome) await cloudWatch.listen();
    await advanceUntil(clock, 'everything arrived', () => cloudWatch.sumOf('GenerationTokens') === 300, 1_000);
    expect(cloudWatch.sumOf('Utilization')).toBe(15);
    expect(cloudWatch.datums('Utilization')).toHaveLength(30);
    await sink.close();
    expect(cloudWatch.sumOf('GenerationTokens')).toBe(300);
    expect(logged.map(({ level, msg }) => `${level} ${msg}`)).toEqual([
      'warn CloudWatch takes no metrics, they are kept',
      'info CloudWatch takes metrics again',
    ]);
    expect(logged[1]).toMatchObject({ droppedPoints: { full: 0, old: 0 } });
  });
});

test('the newest metrics go first after an outage', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.outcomes.push(internalFault);
  const { sink, clock, now } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  for (let second = 0; second < 1_500; second++) sink.send(report(now() - second * 1_000, [utilization(second)]));
  await advanceUntil(clock, 'everything arrived', () => cloudWatch.calls.length === 2, 1_000);
  const [first, second] = cloudWatch.calls.map(({ data }) => data.map(({ Timestamp }) => Timestamp));
  expect(first).toHaveLength(1_000);
  expect(Math.min(...first!)).toBeGreaterThan(Math.max(...second!));
  await sink.close();
});

test('a call that hangs is given up and repeated', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.outcomes.push('hang');
  const { sink, clock, now, logged } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  sink.send(report(now(), [tokens(3)]));
  clock.advance(100);
  await until('the call arrived', () => cloudWatch.attempts === 1);
  await advanceUntil(clock, 'the second call came', () => cloudWatch.calls.length === 1, 1_000);
  expect(cloudWatch.sumOf('GenerationTokens')).toBe(3);
  expect(logged[0]).toMatchObject({ code: 'TimeoutError', reason: 'CloudWatch does not answer.' });
  await sink.close();
});

test('the buffer keeps its bound: the oldest metrics go, their number is said once', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.always = internalFault;
  // Room for 100 points of one value.
  const options = { publish: 'put', endpoint: cloudWatch.endpoint, bufferBytes: 100 * 440 } as const;
  const { sink, clock, now, logged } = testSink(options);
  for (let interval = 0; interval < 150; interval++) {
    sink.send(report(now(), [utilization(interval), { ...utilization(interval), name: 'Second' }]));
    await settle(clock, 10_000);
  }
  cloudWatch.always = undefined;
  await advanceUntil(clock, 'the rest arrived', () => cloudWatch.datums('Utilization').length > 0, 1_000);
  const kept = cloudWatch.datums('Utilization').map(({ Values }) => Values[0]!);
  expect(kept.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => 100 + index));
  await sink.close();
  expect(logged.map(({ msg }) => msg)).toEqual([
    'CloudWatch takes no metrics, they are kept',
    'no room for more metrics, the oldest are dropped',
    'CloudWatch takes metrics again',
  ]);
  expect(logged[2]).toMatchObject({ droppedPoints: { full: 200, old: 0 } });
});

test('what CloudWatch would refuse for its age is dropped and counted', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  const { sink, now, logged } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  const [hour, day] = [3_600_000, 24 * 3_600_000];
  sink.send(report(now() - 15 * day, [tokens(1)]));
  sink.send(report(now() - 13 * day, [tokens(10)]));
  sink.send(report(now() - 4 * hour, [utilization(0.1), tokens(100)]));
  sink.send(report(now() - 2 * hour, [utilization(0.2)]));
  await sink.close();
  expect(cloudWatch.sumOf('GenerationTokens')).toBe(110);
  expect(cloudWatch.sumOf('Utilization')).toBe(0.2);
  expect(logged).toMatchObject([{ level: 'warn', msg: 'metrics were dropped', droppedPoints: { full: 0, old: 2 } }]);
});

test('a metric that CloudWatch refuses is found and dropped with the reason, everything else arrives', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.poison.add('Metric33').add('Metric70');
  const { sink, now, logged } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  const metrics = Array.from({ length: 100 }, (_, index) => ({ ...tokens(1), name: `Metric${index}` }));
  sink.send(report(now(), metrics));
  await sink.close();
  expect(cloudWatch.calls.flatMap(({ data }) => data)).toHaveLength(98);
  expect(cloudWatch.attempts).toBeLessThanOrEqual(32);
  expect(logged.map(({ metric, reason, code }) => ({ metric, reason, code }))).toEqual(
    ['Metric70', 'Metric33'].map((metric) => ({
      metric,
      reason: `The value for parameter ${metric} is invalid.`,
      code: expect.stringMatching(/^InvalidParameterValue(Exception)?$/),
    })),
  );
});

test('a call of which everything is refused costs a bounded number of calls', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.always = { status: 400, code: 'InvalidParameterValue', message: 'no' };
  const { sink, now } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  sink.send(report(now(), Array.from({ length: 900 }, (_, index) => ({ ...tokens(1), name: `Metric${index}` }))));
  await sink.close();
  expect(cloudWatch.attempts).toBeLessThanOrEqual(50);
});

test('closing sends what is kept, even in the middle of a back-off', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.outcomes.push(internalFault);
  const { sink, clock, now } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  sink.send(report(now(), [tokens(5)]));
  await settle(clock, 200);
  expect(cloudWatch.attempts).toBe(1);
  await sink.close();
  expect(cloudWatch.sumOf('GenerationTokens')).toBe(5);
  expect(clock.pending).toBe(0);
});

test('closing ends at its deadline when CloudWatch hangs, and says what is lost', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.always = 'hang';
  const { sink, clock, now, logged } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint, closeDeadlineMs: 3_000 });
  sink.send(report(now(), [tokens(5), utilization(1)]));
  const closed = sink.close();
  await until('the last call arrived', () => cloudWatch.attempts === 1);
  clock.advance(2_999);
  expect(logged).toEqual([]);
  clock.advance(1);
  await closed;
  expect(logged.at(-1)).toMatchObject({ msg: 'metrics lost at shutdown', droppedPoints: 2 });
  expect(clock.pending).toBe(0);
});

test('closing ends at its deadline when CloudWatch fails again and again', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.always = throttling;
  const { sink, clock, now, logged } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  sink.send(report(now(), [tokens(5)]));
  let isClosed = false;
  const closed = sink.close().then(() => {
    isClosed = true;
  });
  await advanceUntil(clock, 'the sink is closed', () => isClosed);
  await closed;
  expect(cloudWatch.attempts).toBeGreaterThan(1);
  expect(logged.at(-1)).toMatchObject({ msg: 'metrics lost at shutdown', droppedPoints: 1 });
});

test('no credential reaches the log, whatever CloudWatch says about a bad signature', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = process.env;
  cloudWatch.always = {
    status: 403,
    code: 'SignatureDoesNotMatch',
    message: `The signature of ${key} does not match.\n\nThe Canonical String should have been\n'POST\nx-amz-security-token:${token}'`,
  };
  const { sink, clock, now, logged } = testSink({ publish: 'put', endpoint: cloudWatch.endpoint });
  sink.send(report(now(), [tokens(5)]));
  await advanceUntil(clock, 'the failure is logged', () => logged.length > 0);
  const log = JSON.stringify(logged);
  expect(logged[0]).toMatchObject({ code: 'SignatureDoesNotMatch', status: 403, reason: 'The signature of [key] does not match.' });
  for (const credential of [key!, secret!, token!]) expect(log).not.toContain(credential);
  cloudWatch.always = undefined;
  await sink.close();
});

/** Moves time on and waits for the calls that are due to end: then only waits for the next call are pending. */
async function settle(clock: { pending: number; advance(ms: number): void }, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    clock.advance(Math.min(left, 1_000));
    await until('the call ended', () => clock.pending <= 1 && new Promise((resolve) => setImmediate(resolve, true)));
  }
}
