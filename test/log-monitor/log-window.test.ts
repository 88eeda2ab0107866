import { describe, expect, test } from '@jest/globals';
import { afterCounters, emptyMemory, type LogMemory, LogWindow } from '../../runtime/log-monitor/log-window.ts';
import { parseLogLine } from '../../runtime/log-monitor/parse-line.ts';

function summarize(lines: readonly string[], before: LogMemory = emptyMemory, endedMs = 1_000) {
  const window = new LogWindow(before);
  for (const line of lines) window.add(parseLogLine(line), endedMs);
  return window.close(endedMs);
}

const launch = "[2026-05-07 10:00:00] server_args={'model_path': 'm'}";
const ready = '[2026-05-07 10:00:30] The server is fired up and ready to roll!';
const prefill = '[2026-05-07 10:00:31] Prefill batch, #new-seq: 1, #new-token: 10, #cached-token: 5, #running-req: 0';
const request = (tokens: number) =>
  `{"timestamp": "2026-05-07T10:00:32", "event": "request.finished", "rid": "a", "out": {"meta_info": ` +
  `{"prompt_tokens": 15, "completion_tokens": ${tokens}, "cached_tokens": 5, "e2e_latency": 1.5}}}`;

describe('tokens of the log', () => {
  test('are 0 of an engine that runs and has had no prompt, and unknown of one that nothing is known of', () => {
    expect(summarize([launch, ready]).log.prefillTokens).toEqual({ values: [0] });
    expect(summarize(['noise']).log.prefillTokens).toBeUndefined();
  });

  test('are believed until the counters have grown in three windows without a batch line', () => {
    let { memory } = summarize([launch, ready]);
    for (const isBelieved of [true, true, true, false, false]) {
      const { log, aggregate, memory: next } = summarize([], memory);
      expect(log.prefillTokens !== undefined).toBe(isBelieved);
      memory = afterCounters(next, aggregate.batchLines, 7);
    }
    expect(summarize([prefill], memory).log.prefillTokens).toEqual({ values: [10] });
  });

  test('counters that stand still or are unknown say nothing against the log', () => {
    const { memory } = summarize([launch, ready]);
    expect(afterCounters(memory, 0, 0)).toBe(memory);
    expect(afterCounters(memory, 0, undefined)).toBe(memory);
    expect(afterCounters(memory, 1, 50)).toBe(memory);
  });
});

describe('the JSON request log', () => {
  test('says nothing as long as none is seen', () => {
    expect(summarize([launch, ready, prefill]).requestLog).toEqual({});
  });

  test('once seen, a window without a request had none', () => {
    const first = summarize([launch, ready, prefill, request(7)]);
    expect(first.requestLog).toMatchObject({ generationTokens: { values: [7] }, endToEndLatency: { values: [1.5] } });
    expect(first.aggregate.finishedRequests).toBe(1);
    const second = summarize([], first.memory);
    expect(second.requestLog).toMatchObject({ generationTokens: { values: [0] }, endToEndLatency: { values: [] } });
  });

  test('of one engine is not expected of the next', () => {
    const first = summarize([launch, ready, request(7)]);
    expect(summarize([launch, ready], first.memory).requestLog).toEqual({});
  });
});

test('windows add up to the same, wherever the log is cut', () => {
  const lines = [launch, ready, prefill, request(3), launch, ready, prefill, request(4), prefill];
  for (let cut = 0; cut <= lines.length; cut++) {
    const first = summarize(lines.slice(0, cut));
    const second = summarize(lines.slice(cut), JSON.parse(JSON.stringify(first.memory)));
    const sum = (read: (summary: typeof first) => number) => read(first) + read(second);
    expect(sum(({ aggregate }) => aggregate.prefillTokens)).toBe(30);
    expect(sum(({ requestLog }) => requestLog.generationTokens?.values[0] ?? 0)).toBe(7);
    expect(sum(({ restarts }) => restarts)).toBe(1);
    expect(sum(({ startups }) => startups.length)).toBe(2);
  }
});
