import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { PublishedWindow } from '../../runtime/log-monitor/published-window.ts';
import { readEngineMetrics } from '../../runtime/log-monitor/sources/engine-metrics.ts';
import type { Measure } from '../../runtime/log-monitor/sources/measurement.ts';
import { callJson } from '../../runtime/shared/call-json.ts';
import { findFreePort } from '../../runtime/shared/process/free-port.ts';
import { readEmf } from '../support/emf-reader.ts';
import { FakeCloudWatch } from '../support/fake-cloudwatch.ts';
import { distinctWindows, MonitorProcess, windowsIn } from '../support/monitor-process.ts';
import { until } from '../support/poll.ts';
import { type StartedProcess, startFleetCommand } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
let port: number;
const disposables: AsyncDisposable[] = [];

beforeEach(async () => {
  folder = await temporaryDirectory();
  port = await findFreePort('127.0.0.1');
});

afterEach(async () => {
  for (const disposable of disposables.splice(0).reverse()) await disposable[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const logFile = () => join(folder.path, 'engine.log');
const outFile = () => join(folder.path, 'out.jsonl');
const engineUrl = () => `http://127.0.0.1:${port}`;
const text = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
const windows = () => distinctWindows(windowsIn(text(outFile())));

function startMonitor(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): MonitorProcess {
  const common = ['--log-file', logFile(), '--state-file', join(folder.path, 'state'), '--interval-seconds', '0.2'];
  const monitor = new MonitorProcess({
    args: [...common, ...args],
    outFile: outFile(),
    logFile: join(folder.path, 'monitor.log'),
    env,
  });
  disposables.push(monitor);
  return monitor;
}

/** Waits until so many monitors have come up, ready for a signal. */
async function monitorStarts(count: number): Promise<void> {
  await until(`${count} monitors started`, () => {
    return text(join(folder.path, 'monitor.log')).split('"msg":"monitor started"').length > count;
  });
}

/** Its first window, which it has saved then, knows that no engine runs: all that one will have counted is new. */
async function monitorWaitsForEngine(): Promise<void> {
  await until('the monitor waits for an engine', () => existsSync(join(folder.path, 'state')));
}

async function startEngine(args: readonly string[] = []): Promise<StartedProcess> {
  const options = [
    '--port',
    String(port),
    '--log-file',
    logFile(),
    '--time-scale',
    '20',
    '--max-running-requests',
    '8',
  ];
  const engine = startFleetCommand(['sim', ...options, ...args]);
  disposables.push(engine);
  await until('the engine generates', () =>
    generate(1).then(
      () => true,
      () => false,
    ),
  );
  return engine;
}

/** @returns the prompt tokens, as the engine counts them */
async function generate(tokens: number): Promise<void> {
  const sampling_params = { max_new_tokens: tokens, ignore_eos: true };
  await callJson(`${engineUrl()}/generate`, {
    body: { text: `Tell ${tokens} things about ${Math.random()}`, sampling_params },
  });
}

async function engineCounters() {
  return readEngineMetrics(await (await fetch(`${engineUrl()}/metrics`)).text())!.totals;
}

function total(published: readonly PublishedWindow[], measure: Measure): number {
  return published.reduce((sum, { measurements }) => sum + (measurements[measure]?.values[0] ?? 0), 0);
}

function countOf(published: readonly PublishedWindow[], measure: Measure): number {
  return published.reduce(
    (sum, { measurements }) => sum + (measurements[measure]?.counts ?? []).reduce((a, count) => a + count, 0),
    0,
  );
}

const sourcesOf = (published: readonly PublishedWindow[], measure: Measure) => [
  ...new Set(published.flatMap(({ measurements }) => measurements[measure]?.source ?? [])),
];

/** Waits for a window that began now, whose end is thus behind everything before. */
async function nextWholeWindow(): Promise<PublishedWindow> {
  const now = Date.now();
  return until('a whole window was published', () => windows().find(({ from }) => Date.parse(from) >= now));
}

describe('an engine with load and counters', () => {
  test('every token and every request that it counts is published once, though the monitor is killed again and again', async () => {
    let monitor = startMonitor(['--engine-url', engineUrl()]);
    await until('the monitor waits for an engine', () => windows().length > 0);
    await startEngine();
    for (let round = 1; round <= 5; round++) {
      await Promise.all([generate(10 * round), generate(5)]);
      if (round % 2 === 0) await nextWholeWindow();
      await monitor.end('SIGKILL');
      monitor = startMonitor(['--engine-url', engineUrl()]);
    }
    const last = await nextWholeWindow();
    const { counters, histograms } = await engineCounters();
    expect(await monitor.end('SIGTERM')).toEqual({ code: 0, signal: null });

    const published = windows();
    expect(total(published, 'prefillTokens')).toBe(counters.prefillTokens);
    expect(total(published, 'cachedTokens')).toBe(counters.cachedTokens);
    expect(total(published, 'generationTokens')).toBe(counters.decodeTokens);
    const requests = histograms.endToEndLatency!.counts.reduce((sum, count) => sum + count, 0);
    expect(requests).toBeGreaterThanOrEqual(11);
    expect(countOf(published, 'endToEndLatency')).toBe(requests);
    expect(countOf(published, 'timeToFirstToken')).toBe(requests);
    expect(last).toMatchObject({
      isInService: true,
      utilization: 0,
      capacityRequests: 8,
      measurements: {
        runningRequests: { values: [0], source: 'loads' },
        prefillTokens: { source: 'log' },
        generationTokens: { source: 'metrics' },
        timeToFirstToken: { source: 'metrics-finished' },
      },
    });
  });

  test('a busy one is utilized', async () => {
    await startEngine(['--time-scale', '1']);
    startMonitor(['--engine-url', engineUrl()]);
    const stopping = new AbortController();
    const body = { text: 'on and on', sampling_params: { max_new_tokens: 100_000, ignore_eos: true } };
    const requests = [1, 2, 3, 4].map(() =>
      callJson(`${engineUrl()}/generate`, { body, timeoutMs: 60_000, signal: stopping.signal }).catch(() => undefined),
    );
    const busy = await until('all are running in a whole window', () =>
      windows().find(({ measurements }) => measurements.runningRequests?.values[0] === 4),
    );
    expect(busy).toMatchObject({ isInService: true, capacityRequests: 8, utilization: 0.5 });
    stopping.abort();
    await Promise.all(requests);
  });

  test('its restart is counted, and its successor from its first token', async () => {
    startMonitor(['--engine-url', engineUrl()]);
    await until('the monitor waits for an engine', () => windows().length > 0);
    const first = await startEngine();
    await generate(30);
    await nextWholeWindow();
    const before = await engineCounters();
    first.signal('SIGKILL');
    await first.waitForExit();
    await until('the engine is gone for a window', () => windows().at(-1)?.isInService === false);
    await startEngine();
    await generate(20);
    await nextWholeWindow();
    const after = await engineCounters();

    const published = windows();
    expect(published.reduce((sum, { engineRestarts }) => sum + engineRestarts, 0)).toBe(1);
    expect(published.flatMap(({ startups }) => startups)).toHaveLength(2);
    const sum = (name: 'decodeTokens' | 'prefillTokens') => before.counters[name]! + after.counters[name]!;
    expect(total(published, 'generationTokens')).toBe(sum('decodeTokens'));
    expect(total(published, 'prefillTokens')).toBe(sum('prefillTokens'));
    expect(countOf(published, 'endToEndLatency')).toBe(
      [before, after].flatMap(({ histograms }) => histograms.endToEndLatency!.counts).reduce((a, b) => a + b, 0),
    );
  });
});

describe('an engine that offers less', () => {
  test('without counters the log says how many prompt tokens there were', async () => {
    startMonitor(['--engine-url', engineUrl()]);
    await startEngine(['--no-enable-metrics']);
    await generate(40);
    await nextWholeWindow();
    const published = windows();
    expect(sourcesOf(published, 'prefillTokens')).toEqual(['log']);
    expect(sourcesOf(published, 'generationTokens')).toEqual(['log']);
    expect(sourcesOf(published, 'runningRequests')).toContain('loads');
    expect(sourcesOf(published, 'timeToFirstToken')).toEqual([]);
    const logged = [...text(logFile()).matchAll(/#new-token: (\d+)/g)].reduce(
      (sum, [, tokens]) => sum + Number(tokens),
      0,
    );
    expect(total(published, 'prefillTokens')).toBe(logged);
  });

  test('with a key that the monitor does not have it is still in service, and its log is read', async () => {
    startMonitor(['--engine-url', engineUrl()]);
    const options = ['--port', String(port), '--log-file', logFile(), '--time-scale', '20', '--no-enable-metrics'];
    disposables.push(startFleetCommand(['sim', ...options, '--api-key', 'sk-1']));
    const window = await until('it is in service', () => windows().find(({ isInService }) => isInService));
    expect(window.measurements.runningRequests).toMatchObject({ source: 'log' });
  });
});

describe('an engine whose log is not understood', () => {
  test('is read by its counters, from the third window on in which they grew', async () => {
    await startEngine();
    const elsewhere = join(folder.path, 'elsewhere.log');
    // What SGLang 0.5.4 did to readers of its log: other words for the same.
    writeFileSync(elsewhere, "server_args={'model_path': 'm'}\nThe server is fired up and ready to roll!\n");
    startMonitor(['--engine-url', engineUrl(), '--log-file', elsewhere]);
    await nextWholeWindow();
    const counted = () => windows().find(({ measurements }) => measurements.prefillTokens?.source === 'metrics');
    await until('the counters are believed', async () => {
      await generate(1);
      return counted();
    });
    const silent = windows().filter(({ measurements }) => measurements.prefillTokens?.source === 'log');
    expect(total(silent, 'prefillTokens')).toBe(0);
    const before = total(windows(), 'prefillTokens');
    await generate(1);
    await nextWholeWindow();
    expect(total(windows(), 'prefillTokens')).toBeGreaterThan(before);
  });
});

describe('the runner decides whether the worker is in service', () => {
  test('before it says so and once it drains there is no scaling metric', async () => {
    let health: object = { status: 'ok', model: 'm', engine: { state: 'starting' } };
    const runner = createServer((_request, response) => response.end(JSON.stringify(health)));
    await new Promise<void>((resolve) => runner.listen(0, '127.0.0.1', resolve));
    const runnerUrl = `http://127.0.0.1:${(runner.address() as { port: number }).port}`;
    try {
      await startEngine();
      startMonitor(['--engine-url', engineUrl(), '--runner-url', runnerUrl]);
      expect(await nextWholeWindow()).toMatchObject({ isInService: false });
      health = { status: 'ok', model: 'm', engine: { state: 'ready' } };
      await until('it is in service', () => windows().at(-1)?.isInService);
      health = { status: 'draining', model: 'm', engine: { state: 'ready' } };
      await until('it is not any more', () => windows().at(-1)?.isInService === false);
    } finally {
      runner.closeAllConnections();
      runner.close();
    }
  });
});

const identity = ['--asg', 'dev-workers', '--instance-id', 'i-1'];

describe('to CloudWatch', () => {
  test('by call: the group as the only dimension, the scaling metric at 10 s resolution, nothing lost at SIGTERM', async () => {
    await using cloudWatch = await FakeCloudWatch.start();
    const monitor = startMonitor(['--engine-url', engineUrl(), '--publish', 'put', ...identity], {
      AWS_ENDPOINT_URL: cloudWatch.endpoint,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    });
    await monitorWaitsForEngine();
    await startEngine();
    await generate(30);
    await until('its tokens have arrived', () => cloudWatch.sumOf('GenerationTokens') > 0, 40_000);
    expect(await monitor.end('SIGTERM')).toEqual({ code: 0, signal: null });
    const { counters } = await engineCounters();
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
    const args = ['--engine-url', engineUrl(), '--publish', 'emf', ...identity];
    let monitor = startMonitor(args);
    await monitorWaitsForEngine();
    await startEngine();
    for (let round = 1; round <= 4; round++) {
      await generate(20 * round);
      await monitorStarts(round);
      await monitor.end('SIGKILL');
      monitor = startMonitor(args);
    }
    await generate(1);
    await monitorStarts(5);
    expect(await monitor.end('SIGTERM')).toEqual({ code: 0, signal: null });
    const lines = new Map<string, string>();
    for (const line of text(outFile()).trim().split('\n')) {
      const { sequence, Phase } = JSON.parse(line);
      lines.set(`${sequence} ${Phase ?? ''}`, line);
    }
    const { counters } = await engineCounters();
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
    const monitor = startMonitor(['--publish', 'put', '--instance-id', 'i-1'], { AWS_EC2_METADATA_DISABLED: 'true' });
    await until('it ended', () => monitor.hasEnded);
    expect(text(join(folder.path, 'monitor.log'))).toContain('--asg is needed');
  });
});
