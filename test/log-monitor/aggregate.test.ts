import { describe, expect, test } from '@jest/globals';
import { type Carry, WindowAggregator } from '../../runtime/log-monitor/aggregate.ts';
import { parseLogLine } from '../../runtime/log-monitor/parse-line.ts';
import type { WindowAggregate } from '../../runtime/log-monitor/window-aggregate.ts';

/** The aggregate of one window over `lines`, and what the next window would start from. */
function aggregate(lines: readonly string[], carry: Carry = {}): WindowAggregate & { readonly carry: Carry } {
  const window = new WindowAggregator(carry);
  for (const line of lines) window.add(parseLogLine(line), 0);
  return { ...window.close(), carry: window.carry };
}

const prefill = (second: number, fields: string, rank = '') =>
  `[2026-05-07 10:00:${String(second).padStart(2, '0')}${rank}] Prefill batch, ${fields}`;
const decode = (second: number, fields: string, rank = '') =>
  `[2026-05-07 10:00:${String(second).padStart(2, '0')}${rank}] Decode batch, ${fields}`;

test('an empty window says nothing rather than zero', () => {
  const empty = aggregate(['some noise', '']);
  expect(empty).toMatchObject({
    lines: 2,
    batchLines: 0,
    runningRequests: null,
    queuedRequests: null,
    kvCacheUsage: null,
    cacheHitRate: null,
    generationTokensPerSecond: null,
    prefillTokens: 0,
  });
});

test('tokens add up, gauges keep their last value, usage also its highest', () => {
  const window = aggregate([
    prefill(1, '#new-seq: 2, #new-token: 100, #cached-token: 300, token usage: 0.50, #running-req: 0, #queue-req: 7'),
    prefill(2, '#new-seq: 1, #new-token: 20, #cached-token: 60, token usage: 0.90, #running-req: 2, #queue-req: 3'),
    decode(3, '#running-req: 3, #token: 480, token usage: 0.60, gen throughput (token/s): 40.00, #queue-req: 1'),
  ]);
  expect(window).toMatchObject({
    batchLines: 3,
    dataParallelRanks: 1,
    prefillTokens: 120,
    cachedTokens: 360,
    cacheHitRate: 0.75,
    runningRequests: 3,
    queuedRequests: 1,
    kvCacheUsage: 0.6,
    kvCacheUsageMax: 0.9,
  });
});

test('the fullest of several pools counts', () => {
  const window = aggregate([
    decode(1, '#running-req: 18, full token usage: 0.09, swa token usage: 0.20, mamba usage: 0.90, #queue-req: 0'),
  ]);
  expect(window.kvCacheUsage).toBe(0.9);
});

describe('ranks', () => {
  test('data-parallel ranks are summed, their usage averaged', () => {
    const line = (dp: number, running: number, usage: string) =>
      decode(1, `#running-req: ${running}, token usage: ${usage}, #queue-req: 1`, ` DP${dp} TP${dp} EP${dp}`);
    expect(aggregate([line(0, 21, '0.20'), line(1, 20, '0.40'), line(2, 9, '0.60')])).toMatchObject({
      dataParallelRanks: 3,
      copiedBatchLines: 0,
      runningRequests: 50,
      queuedRequests: 3,
      kvCacheUsage: 0.4,
      kvCacheUsageMax: 0.6,
    });
  });

  test('copies of a batch by context-parallel and pipeline ranks count once', () => {
    const ranks = [' PP0 ATTN_CP1 TP1', ' PP0 ATTN_CP0 TP0', ' PP1 ATTN_CP0 TP0', ' PP1 ATTN_CP1 TP1'];
    const batch = (second: number, tokens: number) =>
      ranks.map((rank) => prefill(second, `#new-seq: 1, #new-token: ${tokens}, #cached-token: 9`, rank));
    expect(aggregate([...batch(1, 128), ...batch(2, 64).reverse()])).toMatchObject({
      batchLines: 2,
      copiedBatchLines: 6,
      dataParallelRanks: 1,
      prefillTokens: 192,
      cachedTokens: 18,
    });
  });

  test('who reports is remembered from window to window', () => {
    const line = (rank: string) => prefill(1, '#new-seq: 1, #new-token: 10', rank);
    const first = aggregate([line(' ATTN_CP1 TP1')]);
    expect(aggregate([line(' ATTN_CP0 TP0')], first.carry)).toMatchObject({ batchLines: 0, copiedBatchLines: 1 });
  });

  test('a reporter that fell silent is replaced', () => {
    const lines = [
      prefill(1, '#new-seq: 1, #new-token: 10', ' ATTN_CP0 TP0'),
      prefill(40, '#new-seq: 1, #new-token: 10', ' ATTN_CP1 TP1'),
      prefill(41, '#new-seq: 1, #new-token: 10', ' ATTN_CP1 TP1'),
    ];
    expect(aggregate(lines)).toMatchObject({ batchLines: 3, prefillTokens: 30 });
  });

  test('a new engine starts with new ranks', () => {
    const lines = [
      prefill(1, '#new-seq: 1, #new-token: 10', ' TP0'),
      '[2026-05-07 10:00:02] INFO:     Started server process [77]',
      prefill(3, '#new-seq: 1, #new-token: 10', ' ATTN_CP1 TP1'),
    ];
    expect(aggregate(lines)).toMatchObject({ batchLines: 2, copiedBatchLines: 0 });
  });

  test('retractions are not multiplied by pipeline stages', () => {
    const line = (rank: string) =>
      `[2026-05-07 10:00:01${rank}] KV cache pool is full. Retract requests. #retracted_reqs: 2, #new_token_ratio: 0.4 -> 0.9`;
    const lines = [decode(1, '#running-req: 9', ' PP0'), line(' PP0'), line(' PP1'), line(' PP0')];
    expect(aggregate(lines).retractedRequests).toBe(4);
  });
});

describe('rates', () => {
  test('the first rate after an idle gap is dropped, as in the documentation log: 6.40 and then 141.11', () => {
    const window = aggregate([
      '[2025-05-12 00:00:33] Prefill batch. #new-seq: 1, #new-token: 6, #cached-token: 0, #running-req: 0, #queue-req: 0',
      '[2025-05-12 00:00:33] Decode batch. #running-req: 1, gen throughput (token/s): 5.00, #queue-req: 0',
      '[2025-05-12 00:00:38] Prefill batch. #new-seq: 1, #new-token: 7, #cached-token: 0, #running-req: 0, #queue-req: 0',
      '[2025-05-12 00:00:38] Decode batch. #running-req: 1, gen throughput (token/s): 6.40, #queue-req: 0',
      '[2025-05-12 00:00:38] Decode batch. #running-req: 1, gen throughput (token/s): 141.11, #queue-req: 0',
      '[2025-05-12 00:00:39] Decode batch. #running-req: 1, gen throughput (token/s): 126.07, #queue-req: 0',
    ]);
    expect(window.generationTokensPerSecond).toEqual({ count: 2, min: 126.07, max: 141.11, mean: 133.59 });
  });

  test('the gap is also seen across windows', () => {
    const before = aggregate([decode(1, '#running-req: 1, gen throughput (token/s): 100.00')]);
    const after = aggregate(
      [
        prefill(30, '#new-seq: 1, #new-token: 50, #running-req: 0, input throughput (token/s): 2.00'),
        decode(31, '#running-req: 1, gen throughput (token/s): 1.33'),
        decode(32, '#running-req: 1, gen throughput (token/s): 90.00'),
      ],
      before.carry,
    );
    expect(after.generationTokensPerSecond).toMatchObject({ count: 1, max: 90 });
    expect(after.prefillTokensPerSecond).toBeNull();
  });

  test('a slow engine that never was empty keeps its rates', () => {
    const window = aggregate([
      decode(1, '#running-req: 64, gen throughput (token/s): 210.00'),
      prefill(5, '#new-seq: 1, #new-token: 50, #running-req: 64'),
      decode(14, '#running-req: 64, gen throughput (token/s): 200.00'),
      decode(27, '#running-req: 64, gen throughput (token/s): 190.00'),
    ]);
    expect(window.generationTokensPerSecond).toMatchObject({ count: 2, min: 190, max: 200 });
  });

  test('a decode server, which prints no prefill lines, is taken for idle after a long silence', () => {
    const fields = (rate: string) => `#running-req: 1, #transfer-req: 0, gen throughput (token/s): ${rate}`;
    const window = aggregate([decode(1, fields('5.00')), decode(3, fields('80.00')), decode(40, fields('1.00'))]);
    expect(window.generationTokensPerSecond).toMatchObject({ count: 1, max: 80 });
  });

  test('a clock that was set back gives no rate and no tokens', () => {
    const window = aggregate([
      decode(30, '#running-req: 1, gen throughput (token/s): 80.00'),
      decode(10, '#running-req: 1, gen throughput (token/s): 80.00'),
    ]);
    expect(window).toMatchObject({ generationTokens: 0, generationTokensPerSecond: null });
  });

  test('one-token health probes are no prefill rates', () => {
    const window = aggregate([
      prefill(1, '#new-seq: 1, #new-token: 500, #running-req: 1, input throughput (token/s): 900.00'),
      prefill(2, '#new-seq: 1, #new-token: 1, #running-req: 1, input throughput (token/s): 0.97'),
      prefill(3, '#new-seq: 1, #new-token: 800, #running-req: 1, input throughput (token/s): 800.00'),
    ]);
    expect(window.prefillTokensPerSecond).toEqual({ count: 1, min: 800, max: 800, mean: 800 });
  });

  test('generated tokens are each rate times its span, idle gaps included', () => {
    // 100 token/s for 2 s, then nothing for 16 s, then a rate of 2.5 that spans those 16 s.
    const window = aggregate([
      decode(1, '#running-req: 1, gen throughput (token/s): 7.00'),
      decode(3, '#running-req: 1, gen throughput (token/s): 100.00'),
      decode(19, '#running-req: 1, gen throughput (token/s): 2.50'),
    ]);
    expect(window.generationTokens).toBe(240);
  });
});

test('starts, crashes and complaints are counted', () => {
  const window = aggregate([
    '[2026-05-07 10:00:01] The server is fired up and ready to roll!',
    "[2026-05-07 10:00:02] Health check failed. Server couldn't get a response from detokenizer for last 20 seconds.",
    "Received output for rid='a' but the state was deleted in TokenizerManager.",
    "Received output for rid='b' but the state was deleted in TokenizerManager.",
    '[2026-05-07 10:00:03 TP0] Decode transfer failed for request rank=0',
    'Scheduler watchdog timeout (self.watchdog_timeout=60, self.soft=True)',
    'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.',
    '[2026-05-07 10:00:04 TP0] Scheduler hit an exception: Traceback (most recent call last):',
    'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.',
  ]);
  expect(window).toMatchObject({
    engineStarts: 1,
    failedHealthChecks: 1,
    orphanedOutputs: 2,
    failedTransfers: 1,
    crashes: ['gpu-out-of-memory', 'engine-exception'],
  });
});
