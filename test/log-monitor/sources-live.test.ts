import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import type { PublishedWindow } from '../../runtime/log-monitor/published-window.ts';
import type { Measure } from '../../runtime/log-monitor/sources/measurement.ts';
import { callJson } from '../../runtime/shared/call-json.ts';
import { LiveMonitor } from '../support/live-monitor.ts';
import { until } from '../support/poll.ts';

const live = new LiveMonitor();

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

describe('an engine with load and counters', () => {
  test('every token and every request that it counts is published once, though the monitor is killed again and again', async () => {
    let monitor = live.startMonitor(['--engine-url', live.engineUrl]);
    await until('the monitor waits for an engine', () => live.windows.length > 0);
    await live.startEngine();
    for (let round = 1; round <= 5; round++) {
      await Promise.all([live.generate(10 * round), live.generate(5)]);
      if (round % 2 === 0) await live.nextWholeWindow();
      await monitor.end('SIGKILL');
      monitor = live.startMonitor(['--engine-url', live.engineUrl]);
    }
    const last = await live.nextWholeWindow();
    const { counters, histograms } = await live.engineCounters();
    expect(await monitor.end('SIGTERM')).toEqual({ code: 0, signal: null });

    const published = live.windows;
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
    await live.startEngine(['--time-scale', '1']);
    live.startMonitor(['--engine-url', live.engineUrl]);
    const stopping = new AbortController();
    const body = { text: 'on and on', sampling_params: { max_new_tokens: 100_000, ignore_eos: true } };
    const requests = [1, 2, 3, 4].map(() =>
      callJson(`${live.engineUrl}/generate`, { body, timeoutMs: 60_000, signal: stopping.signal }).catch(
        () => undefined,
      ),
    );
    const busy = await until('all are running in a whole window', () =>
      live.windows.find(({ measurements }) => measurements.runningRequests?.values[0] === 4),
    );
    expect(busy).toMatchObject({ isInService: true, capacityRequests: 8, utilization: 0.5 });
    stopping.abort();
    await Promise.all(requests);
  });

  test('its restart is counted, and its successor from its first token', async () => {
    live.startMonitor(['--engine-url', live.engineUrl]);
    await until('the monitor waits for an engine', () => live.windows.length > 0);
    const first = await live.startEngine();
    await live.generate(30);
    await live.nextWholeWindow();
    const before = await live.engineCounters();
    first.signal('SIGKILL');
    await first.waitForExit();
    await until('the engine is gone for a window', () => live.windows.at(-1)?.isInService === false);
    await live.startEngine();
    await live.generate(20);
    await live.nextWholeWindow();
    const after = await live.engineCounters();

    const published = live.windows;
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
    live.startMonitor(['--engine-url', live.engineUrl]);
    await live.startEngine(['--no-enable-metrics']);
    await live.generate(40);
    await live.nextWholeWindow();
    const published = live.windows;
    expect(sourcesOf(published, 'prefillTokens')).toEqual(['log']);
    expect(sourcesOf(published, 'generationTokens')).toEqual(['log']);
    expect(sourcesOf(published, 'runningRequests')).toContain('loads');
    expect(sourcesOf(published, 'timeToFirstToken')).toEqual([]);
    const logged = [...live.textOf('engine.log').matchAll(/#new-token: (\d+)/g)].reduce(
      (sum, [, tokens]) => sum + Number(tokens),
      0,
    );
    expect(total(published, 'prefillTokens')).toBe(logged);
  });

  test('with a key that the monitor does not have it is still in service, and its log is read', async () => {
    live.startMonitor(['--engine-url', live.engineUrl]);
    live.launchEngine(['--no-enable-metrics', '--api-key', 'sk-1']);
    const window = await until('it is in service', () => live.windows.find(({ isInService }) => isInService));
    expect(window.measurements.runningRequests).toMatchObject({ source: 'log' });
  });
});

describe('an engine whose log is not understood', () => {
  test('is read by its counters, from the third window on in which they grew', async () => {
    await live.startEngine();
    const elsewhere = live.pathOf('elsewhere.log');
    // What SGLang 0.5.4 did to readers of its log: other words for the same.
    writeFileSync(elsewhere, "server_args={'model_path': 'm'}\nThe server is fired up and ready to roll!\n");
    live.startMonitor(['--engine-url', live.engineUrl, '--log-file', elsewhere]);
    await live.nextWholeWindow();
    const counted = () => live.windows.find(({ measurements }) => measurements.prefillTokens?.source === 'metrics');
    await until('the counters are believed', async () => {
      await live.generate(1);
      return counted();
    });
    const silent = live.windows.filter(({ measurements }) => measurements.prefillTokens?.source === 'log');
    expect(total(silent, 'prefillTokens')).toBe(0);
    const before = total(live.windows, 'prefillTokens');
    await live.generate(1);
    await live.nextWholeWindow();
    expect(total(live.windows, 'prefillTokens')).toBeGreaterThan(before);
  });
});

describe('the runner decides whether the worker is in service', () => {
  test('before it says so and once it drains there is no scaling metric', async () => {
    let health: object = { status: 'ok', model: 'm', engine: { state: 'starting' } };
    const runner = createServer((_request, response) => response.end(JSON.stringify(health)));
    await new Promise<void>((resolve) => runner.listen(0, '127.0.0.1', resolve));
    const runnerUrl = `http://127.0.0.1:${(runner.address() as { port: number }).port}`;
    try {
      await live.startEngine();
      live.startMonitor(['--engine-url', live.engineUrl, '--runner-url', runnerUrl]);
      expect(await live.nextWholeWindow()).toMatchObject({ isInService: false });
      health = { status: 'ok', model: 'm', engine: { state: 'ready' } };
      await until('it is in service', () => live.windows.at(-1)?.isInService);
      health = { status: 'draining', model: 'm', engine: { state: 'ready' } };
      await until('it is not any more', () => live.windows.at(-1)?.isInService === false);
    } finally {
      runner.closeAllConnections();
      runner.close();
    }
  });
});
