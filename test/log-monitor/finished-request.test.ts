import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { FinishedRequestEvent } from '../../runtime/log-monitor/log-event.ts';
import { parseLogLine } from '../../runtime/log-monitor/parse-line.ts';
import { RequestWindow } from '../../runtime/log-monitor/request-window.ts';

/** As SGLang's request logger writes it at level 0 (its prompts and outputs left out). */
const finished = (meta: object, rid = 'a1') =>
  JSON.stringify({
    timestamp: '2026-11-22T02:45:05.123456',
    event: 'request.finished',
    rid,
    obj: { rid, stream: true, text: 'say "Decode batch, #running-req: 9"' },
    out: { meta_info: { id: rid, finish_reason: { type: 'stop' }, ...meta } },
  }).replaceAll('":', '": ');
const meta = { prompt_tokens: 100, completion_tokens: 11, cached_tokens: 30, e2e_latency: 1.2 };
const event = { kind: 'request-finished', time: '2026-11-22T02:45:05.123456', rank: {} };
const counts = { promptTokens: 100, completionTokens: 11, cachedTokens: 30, endToEndSeconds: 1.2 };

test('a finished request, alone on its line or behind a wrapper', () => {
  expect(parseLogLine(finished(meta))).toEqual({ ...event, ...counts });
  expect(parseLogLine(`[sglang]  | ${finished(meta)}`)).toEqual({ ...event, ...counts });
});

test('0.5.3 also says when the first token came', () => {
  expect(parseLogLine(finished({ ...meta, ttft_latency: 0.2 }))).toEqual({
    ...event,
    ...counts,
    firstTokenSeconds: 0.2,
    interTokenSeconds: 0.1,
  });
});

test('cached tokens never exceed the prompt', () => {
  expect(parseLogLine(finished({ ...meta, cached_tokens: 130 }))).toMatchObject({ cachedTokens: 100 });
});

test.each([
  ['a probe', finished(meta, 'HEALTH_CHECK_123')],
  ['a cut line', finished(meta).slice(0, -5)],
  ['text behind it', `${finished(meta)} more`],
  ['a received request', finished(meta).replaceAll('request.finished', 'request.received')],
  ['no output', '{"timestamp": "x", "event": "request.finished", "rid": "a", "obj": {}}'],
  ['the text form', "Finish: obj=GenerateReqInput(rid='a', text='\"request.finished\"'), out={'meta_info': {}}"],
  [
    'a prompt that quotes one',
    '{"timestamp": "x", "event": "request.received", "obj": {"text": "\\"request.finished\\""}}',
  ],
])('%s is no finished request', (_, line) => {
  expect(parseLogLine(line)).toBeUndefined();
});

test('numbers that are none are left out', () => {
  const odd = { prompt_tokens: '7', completion_tokens: 1.5, cached_tokens: -1, e2e_latency: null };
  expect(parseLogLine(finished(odd))).toEqual(event);
});

test('never throws', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 300 }), (value, cut) => {
      parseLogLine(finished({ ...meta, odd: value }).slice(cut));
      parseLogLine(`{"timestamp": 1, "event": "request.finished", "out": ${JSON.stringify(value)}}`);
    }),
  );
});

test('a window adds tokens up and counts latencies to two digits, gaps once for each token', () => {
  const window = new RequestWindow();
  const request = (more: object): FinishedRequestEvent => ({ kind: 'request-finished', time: null, rank: {}, ...more });
  window.take(request({ ...counts, firstTokenSeconds: 0.1234, interTokenSeconds: 0.1 }));
  window.take(request({ ...counts, firstTokenSeconds: 0.1199, interTokenSeconds: 0.2 }));
  expect(window.readings()).toEqual({
    prefillTokens: { values: [140] },
    cachedTokens: { values: [60] },
    generationTokens: { values: [22] },
    timeToFirstToken: { values: [0.12], counts: [2] },
    interTokenLatency: { values: [0.1, 0.2], counts: [10, 10] },
    endToEndLatency: { values: [1.2], counts: [2] },
  });
});

test('a latency that the engine does not log is not taken for one of 0 requests', () => {
  const window = new RequestWindow();
  expect(window.readings().timeToFirstToken).toEqual({ values: [], counts: [] });
  window.take({ kind: 'request-finished', time: null, rank: {}, endToEndSeconds: 1 });
  expect(window.readings().timeToFirstToken).toBeUndefined();
});

test('however many requests, few distinct values, and no request is lost', () => {
  const window = new RequestWindow();
  for (let i = 1; i <= 5_000; i++) {
    window.take({ kind: 'request-finished', time: null, rank: {}, endToEndSeconds: i / 100 });
  }
  const { values, counts: weights } = window.readings().endToEndLatency!;
  expect(values.length).toBeLessThanOrEqual(100);
  expect(weights!.reduce((sum, count) => sum + count, 0)).toBe(5_000);
  const mean = values.reduce((sum, value, i) => sum + value * weights![i]!, 0) / 5_000;
  expect(mean).toBeCloseTo(25, 0);
});
