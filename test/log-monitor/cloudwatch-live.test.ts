import { expect, test } from '@jest/globals';
import { readEmf } from '../support/emf-reader.ts';
import { FakeCloudWatch } from '../support/fake-cloudwatch.ts';
import { LiveMonitor } from '../support/live-monitor.ts';
import { until } from '../support/poll.ts';

const live = new LiveMonitor();
const identity = ['--asg', 'dev-workers', '--instance-id', 'i-1'];

test('by call: the group as the only dimension, the scaling metric at 10 s resolution, nothing lost at SIGTERM', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  const monitor = live.startMonitor(['--engine-url', live.engineUrl, '--publish', 'put', ...identity], {
    AWS_ENDPOINT_URL: cloudWatch.endpoint,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  await live.monitorWaitsForEngine();
  await live.startEngine();
  await live.generate(30);
  await until('its tokens have arrived', () => cloudWatch.sumOf('GenerationTokens') > 0, 40_000);
  expect(await monitor.end('SIGTERM')).toEqual({ code: 0, signal: null });
  const { counters } = await live.engineCounters();
  expect(cloudWatch.sumOf('PrefillTokens')).toBe(counters.prefillTokens);
  expect(cloudWatch.sumOf('GenerationTokens')).toBe(counters.decodeTokens);
  const data = cloudWatch.calls.flatMap((call) => call.data);
  for (const { MetricName, Dimensions, StorageResolution } of data) {
    expect(Dimensions.filter(({ Name }) => Name !== 'Phase')).toEqual([
      { Name: 'AutoScalingGroupName', Value: 'dev-workers' },
    ]);
    expect(Dimensions.length).toBe(MetricName === 'StartupSeconds' ? 2 : 1);
    expect(StorageResolution).toBe(MetricName === 'Utilization' ? 1 : 60);
  }
  expect(cloudWatch.datums('Utilization').length).toBeGreaterThan(0);
});

test('by log lines: by their number each window counts once, however often the monitor is killed', async () => {
  const args = ['--engine-url', live.engineUrl, '--publish', 'emf', ...identity];
  let monitor = live.startMonitor(args);
  await live.monitorWaitsForEngine();
  await live.startEngine();
  for (let round = 1; round <= 4; round++) {
    await live.generate(20 * round);
    await live.monitorStarts(round);
    await monitor.end('SIGKILL');
    monitor = live.startMonitor(args);
  }
  await live.generate(1);
  await live.monitorStarts(5);
  expect(await monitor.end('SIGTERM')).toEqual({ code: 0, signal: null });
  const lines = new Map<string, string>();
  for (const line of live.output.trim().split('\n')) {
    const { sequence, Phase } = JSON.parse(line);
    lines.set(`${sequence} ${Phase ?? ''}`, line);
  }
  const { counters } = await live.engineCounters();
  const sum = (name: string) =>
    [...lines.values()]
      .flatMap(readEmf)
      .filter((metric) => metric.name === name)
      .reduce(
        (sofar, { values, counts }) => sofar + values.reduce((part, value, i) => part + value * counts[i]!, 0),
        0,
      );
  expect(sum('PrefillTokens')).toBe(counters.prefillTokens);
  expect(sum('GenerationTokens')).toBe(counters.decodeTokens);
  expect(JSON.parse([...lines.values()].at(-1)!)).toMatchObject({
    instanceId: 'i-1',
    sources: expect.stringContaining('loads: RunningRequests'),
  });
});

test('without a group it says what is missing', async () => {
  const monitor = live.startMonitor(['--publish', 'put', '--instance-id', 'i-1'], {
    AWS_EC2_METADATA_DISABLED: 'true',
  });
  await until('it ended', () => monitor.hasEnded);
  expect(live.textOf('monitor.log')).toContain('--asg is needed');
});
