import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { readEngineMetrics } from '../../../runtime/log-monitor/sources/engine-metrics.ts';

const folder = `${import.meta.dirname}/../../fixtures/sglang-real-0.5.23`;
/** The body of a raw chunked answer. */
const captured = (name: string) =>
  readFileSync(`${folder}/${name}.resp`, 'utf8')
    .split('\r\n\r\n')
    .slice(1)
    .join('')
    .replaceAll(/\r\n[0-9a-f]*\r?\n?|^[0-9a-f]+\r\n/g, '');

describe('a real 0.5.23', () => {
  const busy = readEngineMetrics(captured('get_metrics_busy'))!;

  test('counts what ran and what finished', () => {
    expect(busy.totals.counters).toEqual({
      prefillTokens: 1020,
      cachedTokens: 5449,
      decodeTokens: 1480,
      finishedPromptTokens: 5789,
      finishedCachedTokens: 5425,
      finishedGenerationTokens: 1208,
      cpuSeconds: expect.any(Number),
    });
  });

  test('has its gauges and its name', () => {
    expect(busy).toMatchObject({
      runningRequests: 6,
      queuedRequests: 0,
      kvCacheUsage: 0.05,
      modelName: '/opt/sgl/tiny',
    });
  });

  test('has histograms summed over streaming and other requests', () => {
    const { timeToFirstToken, interTokenLatency, endToEndLatency } = busy.totals.histograms;
    expect(timeToFirstToken!.bounds).toEqual([
      0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 20, 40, 60, 80, 100, 200, 400,
    ]);
    expect(timeToFirstToken!.counts).toHaveLength(19);
    expect(sum(timeToFirstToken!.counts)).toBe(51);
    expect(sum(interTokenLatency!.counts)).toBe(969);
    expect(interTokenLatency!.sum).toBeCloseTo(12.0592, 4);
    expect(endToEndLatency!.bounds).toHaveLength(22);
  });

  test('an engine that has served nothing has no histograms yet', () => {
    const before = readEngineMetrics(captured('get_metrics_before'))!;
    expect(before.runningRequests).toBe(0);
    expect(sum(before.totals.histograms.timeToFirstToken?.counts ?? [])).toBeLessThan(51);
  });
});

describe('ranks', () => {
  test('pipeline stages and other copies count once, data-parallel ranks add up', () => {
    const line = (dp: number, pp: number, value: number) =>
      `sglang:realtime_tokens_total{mode="decode",dp_rank="${dp}",pp_rank="${pp}",tp_rank="0"} ${value}\n` +
      `sglang:num_running_reqs{dp_rank="${dp}",pp_rank="${pp}"} ${value / 10}\n` +
      `sglang:token_usage{dp_rank="${dp}",pp_rank="${pp}"} ${value / 200}\n`;
    const metrics = readEngineMetrics(line(0, 0, 100) + line(0, 1, 100) + line(1, 0, 40) + line(1, 1, 30));
    expect(metrics).toMatchObject({ totals: { counters: { decodeTokens: 140 } }, runningRequests: 14 });
    expect(metrics!.kvCacheUsage).toBeCloseTo(0.35);
  });

  test('of several pools the fullest counts', () => {
    const text = 'sglang:full_token_usage 0.1\nsglang:swa_token_usage 0.9\nsglang:token_usage 0.1\n';
    expect(readEngineMetrics(text)!.kvCacheUsage).toBe(0.9);
  });
});

describe('other versions', () => {
  test('0.3.5 has the old name of the inter-token latency and no realtime counters', () => {
    const text =
      'sglang:prompt_tokens_total{model_name="m"} 10\nsglang:generation_tokens_total{model_name="m"} 20\n' +
      'sglang:time_per_output_token_seconds_bucket{le="0.1",model_name="m"} 3\n' +
      'sglang:time_per_output_token_seconds_bucket{le="+Inf",model_name="m"} 4\n' +
      'sglang:time_per_output_token_seconds_sum{model_name="m"} 0.6\n';
    expect(readEngineMetrics(text)!.totals).toEqual({
      counters: { finishedPromptTokens: 10, finishedGenerationTokens: 20 },
      histograms: { interTokenLatency: { bounds: [0.1], counts: [3, 1], sum: 0.6 } },
    });
  });

  test('`total` is not added to the cache sources that it sums', () => {
    const text =
      'sglang:cached_tokens_total{cache_source="device"} 5\nsglang:cached_tokens_total{cache_source="host"} 2\n' +
      'sglang:cached_tokens_total{cache_source="total"} 7\n';
    expect(readEngineMetrics(text)!.totals.counters.finishedCachedTokens).toBe(7);
  });
});

describe('garbage', () => {
  test.each(['', 'not found', '{"detail":"Not Found"}', 'python_info 1\n', 'sglang:num_running_reqs -3\n'])(
    '%j is no engine',
    (text) => expect(readEngineMetrics(text)).toBeUndefined(),
  );

  test('a histogram whose buckets contradict each other is left out', () => {
    const bucket = (le: string, count: number) => `sglang:e2e_request_latency_seconds_bucket{le="${le}"} ${count}\n`;
    const broken = `${bucket('1', 5)}${bucket('2', 3)}${bucket('+Inf', 9)}sglang:num_queue_reqs 1\n`;
    expect(readEngineMetrics(broken)!.totals.histograms).toEqual({});
    const endless = `${bucket('1', 5)}${bucket('2', 6)}sglang:num_queue_reqs 1\n`;
    expect(readEngineMetrics(endless)!.totals.histograms).toEqual({});
  });
});

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
